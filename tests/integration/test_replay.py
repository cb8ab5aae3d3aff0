"""Replays of a real loop: nothing is known before it was, and everything is computed once.

Production's own numbers come out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ratchet import catalog
from ratchet.adapters import drift_report, runs
from ratchet.cli import ratchet
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset
from ratchet.monitoring import distances
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from tests.conftest import MlflowServer, ingest, lay, rename, step

NAME = "wind_replayed"
FIRST, LAST = "2013-01-14", "2013-01-24"
CASES = [Case("never"), Case("calendar:days=1,cooldown_days=0"), Case("calendar:days=4")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Path:
    """A loop with 24 days of data, made once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("replayed")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        rename(folder, "wind", NAME)
        path = folder / "loops" / NAME / "loop.yaml"
        gate = "gate:\n  deploy: refit\n  refit_distance: 10\n  aim: non_inferior\n  margin: 2\n"
        path.write_text(path.read_text().replace("gate:\n", gate, 1))
        ingest(NAME, f"2013-01-02..{LAST}")
    return folder


@pytest.fixture
def past(made: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    for name, part in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(made / part))
    return history.read(catalog.load(NAME), made / "cache")


def _quiet(*_: Any) -> None:
    pass


def test_policies_side_by_side_and_again_from_the_cache(past: History, made: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    never, daily, fourth = replays.run(past, CASES, FIRST, LAST, made / "cache", lambda *each: seen.append(each))
    assert (never.retrainings, never.promotions) == (0, 0)
    assert daily.retrainings == len(daily.nights) == 11
    assert fourth.retrainings == 2
    assert {night["version"] for night in never.nights} == {"2"}
    assert daily.minutes > fourth.minutes > never.minutes > 0
    assert all(np.isfinite(outcome.loss) for outcome in (never, daily, fourth))
    assert seen[-1] == ("nights", 33, 33)
    made_at = {file: file.stat().st_mtime_ns for file in (made / "cache").rglob("*")}
    assert replays.run(past, CASES, FIRST, LAST, made / "cache", _quiet) == [never, daily, fourth]
    assert {file: file.stat().st_mtime_ns for file in (made / "cache").rglob("*")} == made_at


def _until(past: History, day: str, folder: Path) -> History:
    """Return a history that ends with a day."""
    rows = past.now.between("2013-01-01", day)
    cut = history.of_rows(past.loop, rows, folder)
    return History(
        past.loop,
        [n for n in past.nights if n <= day],
        {d: n for d, n in past.counts.items() if d <= day},
        cut.versions,
    )


def test_nothing_is_known_before_it_was(past: History, made: Path, tmp_path: Path) -> None:
    """Take the future away: what was decided before it is the same."""
    case, fits = Case("calendar:days=2,cooldown_days=0"), Fits(past.loop, made / "cache")
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    whole = replays.live(past, fits, case, nights).nights
    for end in (4, 8):
        cut = _until(past, nights[end - 1], tmp_path / str(end))
        short = replays.live(cut, Fits(past.loop, tmp_path / str(end)), case, nights[:end]).nights
        assert _comparable(short) == _comparable(whole[:end])


def _comparable(nights: Any) -> list[dict[str, Any]]:
    return [{**night, "loss": round(night["loss"], 5)} for night in nights]


def test_a_replay_trains_what_production_trains(past: History, made: Path) -> None:
    """A fit of the replay and the train step's model, on the same days, predict the same."""
    step("snapshot", NAME, run="r", until="2013-01-14")
    from ratchet.steps import snapshot
    from ratchet.training.fit import fit

    loop, data = past.loop, past.at("2013-01-14")
    pinned = snapshot.pinned(loop, "r")
    model, _ = fit(loop, snapshot.read(loop, pinned.snapshot, "train"))
    first, _, last = pinned.train.partition("..")
    replayed = Fits(loop, made / "cache").get(data, first, last)
    rows = dataset.features(dataset.registry(), loop, pinned.revision, "2013-01-15", "2013-01-15")
    assert replayed.predict(data, "2013-01-15") == pytest.approx(model.predict(rows), rel=1e-5)


def test_a_correction_is_unknown_before_it_came(place: Path) -> None:
    """A corrected day is seen as it was first published on the nights before its correction, and corrected after."""
    from ratchet.files import write_text

    name = rename(place, "wind", "wind_corrected")
    ingest(name, "2013-01-02..2013-01-08")
    path = place / "loops" / name / "loop.yaml"
    text = path.read_text()
    write_text(path, text.replace("SELECT * FROM", "SELECT * REPLACE (wind_speed + 7 AS wind_speed) FROM"))
    ingest(name, "2013-01-05", "correction")
    write_text(path, text)
    ingest(name, "2013-01-09..2013-01-10")
    past = history.read(catalog.load(name), place / "cache")
    assert [first for first, _ in past.versions] == ["", "2013-01-09"]

    def wind(night: str) -> float:
        return float(
            np.mean(past.at(night).between("2013-01-05", "2013-01-05").column("wind_now").drop_null().to_numpy())
        )

    assert 6 < wind("2013-01-09") - wind("2013-01-08") < 7  # its first three hours look back into the day before
    assert past.now.days == past.nights


def test_an_interrupted_replay_goes_on_where_it_stopped(past: History, tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "models" and done == 3:
            raise KeyboardInterrupt

    cases = [Case("calendar:days=3,cooldown_days=0")]
    with pytest.raises(KeyboardInterrupt):
        replays.run(past, cases, FIRST, LAST, tmp_path, stop)
    kept = {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "fits").glob("*/about.json")}
    assert len(kept) >= 3
    (outcome,) = replays.run(past, cases, FIRST, LAST, tmp_path, _quiet)
    assert outcome.retrainings == 3
    after = {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "fits").glob("*/about.json")}
    assert {name: after[name] for name in kept} == kept


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("2014-01-01", "2014-01-05", "nothing to replay"), ("2013-01-09", "2013-01-03", "ends before")],
)
def test_a_replay_of_nothing_is_explained(past: History, tmp_path: Path, first: str, last: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        replays.run(past, [Case()], first, last, tmp_path, _quiet)


def test_the_command_recommends_and_applies(
    made: Path, past: History, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    path = made / "loops" / NAME / "loop.yaml"
    text = path.read_text()
    policies = ["--policy", "never", "--policy", "calendar:days=4"]
    try:
        said = CliRunner().invoke(
            ratchet, ["replay", NAME, "--from", FIRST, "--to", LAST, *policies, "--cost", "1000", "--apply"]
        )
        assert said.exit_code == 0, said.output
        assert "never costs least" in said.output
        assert catalog.load(NAME).retrain.policies == {}
    finally:
        path.write_text(text)
    with runs.connected() as client:
        experiment = client.raw.get_experiment_by_name(f"{NAME}.replay")
        assert experiment is not None
        (run,) = client.raw.search_runs([experiment.experiment_id])
        assert {file.path for file in client.raw.list_artifacts(run.info.run_id)} == {
            "replay.html",
            "replay.png",
            "replay.json",
        }
        rows = json.loads(runs.read_file(client, run.info.run_id, "replay.json"))
    assert {row["name"] for row in rows} == {"contract", "never", "calendar:days=4"}
    assert all(row["regret"] >= -1e-6 for row in rows)


def test_distances_are_evidentlys() -> None:
    rng = np.random.default_rng(0)

    def frame(shift: float) -> pd.DataFrame:
        numbers = rng.normal(shift, 2, 900)
        numbers[:7] = np.nan
        return pd.DataFrame(
            {"x": numbers, "c": rng.choice(list("abcdef"), 900), "d": rng.choice(["u", f"v{shift}"], 900)}
        )

    ours, theirs = frame(0.0), frame(0.4)
    found, _ = drift_report.compare(ours, theirs, ["x"], ["c", "d"], {"x": 0.1, "c": 0.1, "d": 0.1})
    assert distances.between(ours, theirs, ["x"], ["c", "d"]) == pytest.approx(
        {each.column: each.distance for each in found}
    )


def test_a_drift_policy_is_replayed_with_productions_reference(past: History, made: Path) -> None:
    fits = Fits(past.loop, made / "cache")
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    outcome = replays.live(past, fits, Case("drift:columns=1,cooldown_days=2"), nights)
    assert outcome.retrainings >= 1
    assert any("drift: " in night["reason"] for night in outcome.nights)
