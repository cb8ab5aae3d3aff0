"""Who stands for a model in a duel, and what it predicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.data import tables
from ratchet.lifecycle import predictions
from tests.conftest import step
from tests.given import duels, rows
from tests.given import watched as given


def test_a_challenger_is_compared_with_the_champions_twin_where_the_refit_has_seen_the_day(
    second: str, dueling: tuple[Path, str, str]
) -> None:
    with runs.connected():
        opponent = predictions.contender(catalog.load(duels.NAME), dueling[2])
    assert opponent.on("2013-01-12") == dueling[2]
    assert opponent.on("2013-01-09") not in (None, dueling[2])
    assert opponent.on("2013-01-05") is None


def test_a_prediction_is_laid_beside_its_label_by_key(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02")
    model = rows.breeze(loop)
    said = predictions.predict(loop, model, table, "7", seen=False)
    assert said.column_names == ["observed_at", "origin", "event_time", "prediction", "model_version", "seen"]
    assert set(said.column("model_version").to_pylist()) == {"7"}
    shuffled = said.take(list(range(said.num_rows))[::-1])
    target, values, joined = predictions.paired(loop, shuffled, table)
    assert joined.select(["observed_at", "origin"]).equals(table.select(["observed_at", "origin"]))
    assert np.array_equal(values, model.predict(table))
    assert np.array_equal(target, table.column("wind"))
    losses = predictions.losses(loop, said.slice(4), table)
    assert len(losses) == table.num_rows - 4
    assert list(losses.values()) == pytest.approx(((target - values) ** 2)[4:])
    assert predictions.without(table, said.slice(4), ["observed_at", "origin"]).num_rows == 4


def test_who_has_seen_a_day_does_not_stand_on_it() -> None:
    refit = predictions.Contender((("refit", "2013-01-11"), ("judged", "2013-01-07")))
    assert [refit.on(f"2013-01-{day:02}") for day in (12, 11, 8, 7)] == ["refit", "judged", "judged", None]


def _unmark(path: Path, rows: int = 72) -> None:
    """Write the first predictions of a day as they were before predictions were marked."""
    tables.write_table(tables.read_table(path).drop_columns(["seen"]).slice(0, rows), path)


def test_what_was_told_before_predictions_were_marked_is_marked_by_what_its_version_was_trained_on(
    watched: Path,
) -> None:
    loop, seen = catalog.load("wind_watched"), "2013-01-08"
    step("score", "wind_watched", partition=seen)
    for day in (seen, given.NIGHT):
        _unmark(predictions.live(loop, day), rows=70)
    for day, marked in ((seen, True), (given.NIGHT, False)):
        told = predictions.told(loop, day)
        assert told is not None
        assert told.column("seen").to_pylist() == [marked] * 70
        assert predictions.unseen(told).num_rows == (0 if marked else 70)
    assert step("score", "wind_watched", partition=seen).new == 2
    assert tables.read_table(predictions.live(loop, seen)).column("seen").to_pylist() == [True] * 72
    assert predictions.told(loop, "2013-01-07") is None
    assert predictions.trained(loop) == {"1": "2013-01-09"}


def test_a_shadow_is_marked_too(second: str) -> None:
    duels.live_night()
    loop = catalog.load(duels.NAME)
    (path,) = predictions.folder(loop, second).glob(f"{duels.NIGHT}.parquet")
    assert tables.read_table(path).column("seen").to_pylist() == [False] * 72
    _unmark(path)
    step("score", duels.NAME, partition=duels.NIGHT)
    rows = tables.read_table(predictions.live(loop, duels.NIGHT))
    assert predictions.shadow(loop, second, rows, duels.NIGHT).column("seen").to_pylist() == [False] * 72
