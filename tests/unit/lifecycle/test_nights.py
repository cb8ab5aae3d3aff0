"""The nights as facts in the data registry: opened, waited for, ended."""

from __future__ import annotations

from pathlib import Path

from ratchet.lifecycle import dataset
from tests.conftest import ingest, step
from tests.given.nights import DAYS, ended, opened, turn


def test_a_night_is_opened_once_and_ended(place: Path) -> None:
    assert turn(DAYS[0]).outcome == "done"
    head = dataset.registry().head()
    assert turn(DAYS[0]).outcome == "unchanged"
    assert dataset.registry().head() == head
    assert opened() == [DAYS[0]]
    assert step("close", "wind", partition=DAYS[0]).outcome == "done"
    assert (opened(), ended(DAYS[0])) == ([], "published")
    assert step("close", "wind", partition=DAYS[0]).outcome == "unchanged"
    assert turn(DAYS[0], "again").opened == ()


def test_a_delivery_waits_until_the_night_before_has_ended(place: Path) -> None:
    turn(DAYS[0])
    turn(DAYS[1])
    waits = step("fetch", "wind", partitions=DAYS[1], delivery=f"night__{DAYS[1]}")
    assert waits.outcome == "waiting"
    assert DAYS[0] in waits.reason
    assert not (place / "var" / "staging" / "wind").exists()
    step("give_up", "wind", partitions=DAYS[0], reason="the source is gone")
    assert ended(DAYS[0]) == "given_up"
    assert step("fetch", "wind", partitions=DAYS[1], delivery=f"night__{DAYS[1]}").outcome == "done"


def test_history_before_a_champion_ends_as_it_is_published(place: Path) -> None:
    days = f"{DAYS[0]}..{DAYS[2]}"
    turn(days, "history")
    done = ingest("wind", days, "history")
    assert (done.outcome, done.nights) == ("done", [])
    assert (opened(), ended(DAYS[2])) == ([], "published")
    again = ingest("wind", days, "history")
    assert (again.outcome, again.nights) == ("unchanged", [])


def test_a_night_without_rows_rests_and_a_refused_one_is_refused(place: Path) -> None:
    for path in (place / "loops" / "wind" / "data").resolve().glob("*.csv"):
        assert path.exists()
    contract = place / "loops" / "wind" / "loop.yaml"
    text = contract.read_text()
    contract.write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    turn(DAYS[0])
    assert ingest("wind", DAYS[0]).outcome == "refused"
    assert (opened(), ended(DAYS[0])) == ([], "refused")
    contract.write_text(text)
    turn("2014-01-01")
    assert ingest("wind", "2014-01-01").outcome == "skipped"
    assert ended("2014-01-01") == "rested"
