"""Turn: nights are opened, and what is missing before them is made up or told."""

from __future__ import annotations

from pathlib import Path

from ratchet.lifecycle import dataset, nights
from tests.conftest import ingest
from tests.given.nights import DAYS, opened, turn


def test_what_is_missing_is_opened_and_the_run_before_is_named(place: Path) -> None:
    ingest("wind", DAYS[0])
    found = turn(DAYS[4], "asked")
    assert found.make_up == DAYS[3]
    assert opened() == DAYS[1:5]
    assert turn(DAYS[3]).make_up == DAYS[2]
    assert turn(DAYS[1]).make_up == ""  # the day before it is published
    assert nights.waits_for(dataset.registry(), "wind", DAYS[1], f"night__{DAYS[1]}") == []
    waiting = nights.waits_for(dataset.registry(), "wind", DAYS[4], "asked")
    assert [night.partition for night in waiting] == DAYS[1:4]


def test_a_long_gap_is_told_and_not_made_up(place: Path) -> None:
    ingest("wind", DAYS[0])
    found = turn("2013-03-15")
    assert found.make_up == ""
    assert "71 nights before it, 2013-01-03..2013-03-14, are missing" in found.reason
    assert "ratchet airflow backfill create --dag-id wind.ingest" in found.reason
    assert opened() == ["2013-03-15"]
