"""Turn: nights are opened, and what is missing before them is made up or told."""

from __future__ import annotations

from pathlib import Path

from ratchet.lifecycle import dataset, nights
from tests.conftest import ingest, step

DAYS = [f"2013-01-{day:02d}" for day in range(2, 12)]


def _turn(day: str, run: str = "") -> object:
    return step("turn", "wind", partitions=day, run=run or f"night__{day}")


def _open() -> list[str]:
    return [night.partition for night in nights.opened(dataset.registry(), "wind")]


def _ended(day: str) -> str:
    found = nights.ended(dataset.registry(), "wind", day)
    return found["state"] if found else ""


def test_what_is_missing_is_opened_and_the_run_before_is_named(place: Path) -> None:
    ingest("wind", DAYS[0])
    found = _turn(DAYS[4], "asked")
    assert found.make_up == DAYS[3]
    assert _open() == DAYS[1:5]
    assert _turn(DAYS[3]).make_up == DAYS[2]
    assert _turn(DAYS[1]).make_up == ""  # the day before it is published
    assert nights.waits_for(dataset.registry(), "wind", DAYS[1], f"night__{DAYS[1]}") == []
    waiting = nights.waits_for(dataset.registry(), "wind", DAYS[4], "asked")
    assert [night.partition for night in waiting] == DAYS[1:4]


def test_a_long_gap_is_told_and_not_made_up(place: Path) -> None:
    ingest("wind", DAYS[0])
    found = _turn("2013-03-15")
    assert found.make_up == ""
    assert "71 nights before it, 2013-01-03..2013-03-14, are missing" in found.reason
    assert "ratchet airflow backfill create --dag-id wind.ingest" in found.reason
    assert _open() == ["2013-03-15"]
