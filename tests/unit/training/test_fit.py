"""Fit: after how many rounds to stop is searched on the latest days, then all days are learnt from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.data.features import PARTITION
from ratchet.errors import OutOfMemory, TrainingError
from ratchet.partitions import parse
from ratchet.training import fit, memory, metrics, model
from ratchet.training.trainers import Curve, gradient_boosting
from tests.conftest import ROOT
from tests.given import rows

DAYS = parse("2013-01-01..2013-04-30")


@given(st.integers(4, 120), st.integers(0, 50))
def test_what_is_searched_on_is_later_than_what_is_learnt_from(count: int, start: int) -> None:
    days = DAYS[start : start + count]
    if len(days) < 4:
        return
    last = fit.searched_until(days)
    assert last == days[-1] or last[:7] < days[-1][:7]  # whole months, where they are enough
    assert (last != days[-1]) == (len([day for day in days if day[:7] < days[-1][:7]]) >= fit.WHOLE)


def test_the_latest_days_are_held_back_and_too_few_are_not_parted() -> None:
    table = rows.wind("2013-01-02..2013-01-21")
    early, late = fit.split(table)
    assert late is not None
    seen, held = ({*part.column(PARTITION).to_pylist()} for part in (early, late))
    assert held == {"2013-01-19", "2013-01-20", "2013-01-21"}  # 15% of 20
    assert max(seen) == "2013-01-18"
    assert fit.split(rows.wind("2013-01-02..2013-01-04"))[1] is None


def test_rows_in_their_order_are_parted_without_a_copy_and_others_are_parted_too() -> None:
    table = rows.wind("2013-01-02..2013-01-21")
    shuffled = table.take(np.random.default_rng(1).permutation(table.num_rows))
    order = [("observed_at", "ascending"), ("origin", "ascending")]
    for in_order, out_of_order in zip(fit.split(table), fit.split(shuffled), strict=True):
        assert in_order is not None
        assert out_of_order is not None
        assert in_order.sort_by(order).equals(out_of_order.sort_by(order))
        column = in_order.column(PARTITION).chunk(0)
        assert column.buffers()[2].address == table.column(PARTITION).chunk(0).buffers()[2].address


def test_a_trainer_that_holds_all_rows_says_what_it_needs_before_it_starts(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit.lay_out(catalog.load("wind"), rows.wind().to_reader(), place / "source")
    monkeypatch.setattr(memory, "free", lambda: 16 * 10**9)
    fit.apart(place / "source", place / "little")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(gradient_boosting, "needs", lambda *_: 2 * 10**9)
    fit.apart(place / "source", place / "much")
    said = "gradient_boosting holds all rows in memory: 2.0 GB for 192 rows of 3 features, and 16.0 GB are free\n"
    assert capsys.readouterr() == ("", said)
    monkeypatch.setattr(gradient_boosting, "fit", None)  # whoever starts fails
    monkeypatch.setattr(gradient_boosting, "needs", lambda *_: 32 * 10**9)
    with pytest.raises(OutOfMemory, match=r"memory: 32\.0 GB for 192 rows.*training\.window.*torch_mlp"):
        fit.apart(place / "source", place / "too much")
    assert not (place / "too much").exists()
    for wrong in (lambda params, rows: 1, lambda *_: "much"):
        monkeypatch.setattr(gradient_boosting, "needs", wrong)
        with pytest.raises(TrainingError, match=r"gradient_boosting\.py: needs\(params, rows, features, cl"):
            fit.apart(place / "source", place / "wrong")


def test_the_best_round_is_the_least_validation_loss() -> None:
    assert fit.best(Curve((3.0, 2.0, 1.0), (3.0, 2.0, 2.5))) == 2
    assert fit.best(Curve((3.0,), ())) is None


def test_a_model_learns_from_the_latest_days_too(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    rounds, _ = fit.search(loop, table)
    assert rounds is not None
    assert fit.fit(loop, table, (7, None))[0].estimator.n_iter_ == 7
    model, _ = fit.fit(loop, table, (rounds, None))
    other, _ = fit.fit(loop, table)
    unseen = rows.wind("2013-02-01", seed=9)
    assert np.array_equal(model.predict(unseen), other.predict(unseen))
    assert metrics.measure("regression", model.encoder.target_values(unseen), model.predict(unseen))["r2"] > 0.7
    kept = model.encoder.means[model.encoder.numbers.index("wind_now")]
    assert kept == pytest.approx(np.mean(table.column("wind_now")))


@pytest.mark.parametrize("own", [False, True])
def test_a_fit_apart_gives_the_same_model_bit_for_bit(own: bool, place: Path, tmp_path: Path) -> None:
    """In a process that knows neither loop nor installation; with the loop's own trainer, where it has one."""
    if own:
        folder = place / "loops" / "wind" / "trainers"
        folder.mkdir()
        shutil.copy(Path(str(gradient_boosting.__file__)), folder / "boosted.py")
        contract = place / "loops" / "wind" / "loop.yaml"
        contract.write_text(contract.read_text().replace("trainer: gradient_boosting", "trainer: boosted"))
    loop, table = catalog.load("wind"), rows.wind()
    fit.lay_out(loop, table.to_reader(), tmp_path / "source")
    environment = {"PYTHONPATH": str(ROOT / "include"), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ratchet.training.fit", str(tmp_path / "source"), str(tmp_path / "target")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here, curve = fit.fit(loop, table)
    there, unseen = model.load(tmp_path / "target" / "model"), rows.wind("2013-02-01", seed=9)
    assert np.array_equal(there.predict(unseen), here.predict(unseen))
    assert json.loads((tmp_path / "target" / "fit.json").read_text())["valid"] == list(curve.valid)


def test_a_fit_apart_says_in_a_sentence_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"There is no manifest\.json"):
        fit.main([str(tmp_path), str(tmp_path / "target")])
    with pytest.raises(SystemExit, match="usage"):
        fit.main([])
