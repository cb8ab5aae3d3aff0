"""The nights as facts in the data registry: opened, waited for, ended; and the steps that say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger, nights
from tests.conftest import ingest, step

DAYS = [f"2013-01-{day:02d}" for day in range(2, 12)]


def _turn(day: str, run: str = "") -> object:
    return step("turn", "wind", partitions=day, run=run or f"night__{day}")


def _open() -> list[str]:
    return [night.partition for night in nights.opened(dataset.registry(), "wind")]


def _ended(day: str) -> str:
    found = nights.ended(dataset.registry(), "wind", day)
    return found["state"] if found else ""


def test_a_night_is_opened_once_and_ended(place: Path) -> None:
    assert _turn(DAYS[0]).outcome == "done"
    head = dataset.registry().head()
    assert _turn(DAYS[0]).outcome == "unchanged"
    assert dataset.registry().head() == head
    assert _open() == [DAYS[0]]
    assert step("close", "wind", partition=DAYS[0]).outcome == "done"
    assert (_open(), _ended(DAYS[0])) == ([], "published")
    assert step("close", "wind", partition=DAYS[0]).outcome == "unchanged"
    assert _turn(DAYS[0], "again").opened == ()


def test_a_delivery_waits_until_the_night_before_has_ended(place: Path) -> None:
    _turn(DAYS[0])
    _turn(DAYS[1])
    waits = step("fetch", "wind", partitions=DAYS[1], delivery=f"night__{DAYS[1]}")
    assert waits.outcome == "waiting"
    assert DAYS[0] in waits.reason
    assert not (place / "var" / "staging" / "wind").exists()
    step("give_up", "wind", partitions=DAYS[0], reason="the source is gone")
    assert _ended(DAYS[0]) == "given_up"
    assert step("fetch", "wind", partitions=DAYS[1], delivery=f"night__{DAYS[1]}").outcome == "done"


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


def test_history_before_a_champion_ends_as_it_is_published(place: Path) -> None:
    days = f"{DAYS[0]}..{DAYS[2]}"
    _turn(days, "history")
    done = ingest("wind", days, "history")
    assert (done.outcome, done.nights) == ("done", [])
    assert (_open(), _ended(DAYS[2])) == ([], "published")
    again = ingest("wind", days, "history")
    assert (again.outcome, again.nights) == ("unchanged", [])


def test_a_night_without_rows_rests_and_a_refused_one_is_refused(place: Path) -> None:
    for path in (place / "loops" / "wind" / "data").resolve().glob("*.csv"):
        assert path.exists()
    contract = place / "loops" / "wind" / "loop.yaml"
    text = contract.read_text()
    contract.write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    _turn(DAYS[0])
    assert ingest("wind", DAYS[0]).outcome == "refused"
    assert (_open(), _ended(DAYS[0])) == ([], "refused")
    contract.write_text(text)
    _turn("2014-01-01")
    assert ingest("wind", "2014-01-01").outcome == "skipped"
    assert _ended("2014-01-01") == "rested"


def test_a_night_that_asked_for_a_training_is_over_when_it_is_judged(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    _turn(DAYS[0])
    with registry.writer() as writer:
        asked = {"kind": "requested", "partition": DAYS[0], "evidence": "drift__v1", "champion": "1", "reason": "x"}
        ledger.write(writer, loop, f"requested:{DAYS[0]}", asked, "Ask")
    assert step("close", "wind", partition=DAYS[0]).training == "drift__v1"
    assert [night.training for night in nights.waits_for(registry, "wind", DAYS[1])] == ["drift__v1"]
    with registry.writer() as writer:
        ledger.write(writer, loop, "rejected:r", {"kind": "rejected", "run": "drift__v1", "reason": "x"}, "Reject")
    assert nights.waits_for(registry, "wind", DAYS[1]) == []


def test_a_training_that_fails_gives_its_night_up(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    _turn(DAYS[0])
    with registry.writer() as writer:
        asked = {"kind": "requested", "partition": DAYS[0], "evidence": "drift__v1", "champion": "1", "reason": "x"}
        ledger.write(writer, loop, f"requested:{DAYS[0]}", asked, "Ask")
    assert step("give_up", "wind", training="by-hand", reason="x").outcome == "unchanged"
    assert step("give_up", "wind", training="drift__v1", reason="it diverged").nights == (DAYS[0],)
    assert _ended(DAYS[0]) == "given_up"
    with pytest.raises(RequestError, match="Name what is given up"):
        step("give_up", "wind")
