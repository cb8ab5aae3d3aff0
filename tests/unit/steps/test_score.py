"""Score: every row its prediction, with its model's version."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.data import tables
from ratchet.lifecycle import predictions
from tests.conftest import ingest, rename, step
from tests.given.watched import NIGHT


def test_every_row_has_the_version_of_its_model(watched: Path) -> None:
    held = tables.read_table(predictions.live(catalog.load("wind_watched"), NIGHT))
    assert held.num_rows == 72
    assert set(held.column("model_version").to_pylist()) == {"1"}
    assert held.column("prediction").null_count == 0
    again = step("score", "wind_watched", partition=NIGHT)
    assert (again.outcome, again.rows, again.new) == ("unchanged", 72, 0)


def test_a_prediction_once_made_stays_and_new_rows_get_theirs(watched: Path) -> None:
    path = predictions.live(catalog.load("wind_watched"), NIGHT)
    whole = tables.read_table(path)
    tables.write_table(whole.slice(10), path)
    result = step("score", "wind_watched", partition=NIGHT)
    assert (result.rows, result.new) == (72, 10)
    assert tables.content_hash(tables.read_table(path)) == tables.content_hash(whole)


def test_a_day_that_the_champion_was_trained_on_is_told_and_marked(watched: Path) -> None:
    loop = catalog.load("wind_watched")
    held = tables.read_table(predictions.live(loop, NIGHT))
    assert held.column("seen").to_pylist() == [False] * 72
    scored = step("score", "wind_watched", partition="2013-01-08")  # a backfill: v1 has learnt up to the 9th
    assert tables.read_table(predictions.live(loop, "2013-01-08")).column("seen").to_pylist() == [True] * 72
    assert "trained on that day or later: they count in no loss and in no duel" in scored.reason


def test_without_a_champion_there_is_nothing_to_do(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_alone")
    ingest(name, "2013-01-02")
    for part in ("score", "drift", "performance"):
        result = step(part, name, partition="2013-01-02")
        assert result.outcome == "skipped"
        assert "no champion yet" in result.reason
    assert step("decide", name, partition="2013-01-02").verdict == "wait"
