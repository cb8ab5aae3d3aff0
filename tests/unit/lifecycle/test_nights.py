"""The nights as facts in the data registry: opened, waited for, ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.errors import RegistryError
from ratchet.lifecycle import contracts, dataset, nights
from tests.conftest import ingest, step
from tests.given.nights import DAYS, ask_for_a_training, end, ended, opened, turn


def test_a_night_is_opened_once_and_ended(place: Path) -> None:
    assert turn(DAYS[0]).outcome == "done"
    head = dataset.registry().head()
    assert turn(DAYS[0]).outcome == "unchanged"
    assert dataset.registry().head() == head
    assert opened() == [DAYS[0]]
    end(DAYS[0])
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


def _floor(place: Path, most: int) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    head, _, tail = path.read_text().partition("mae: {max: ")
    path.write_text(f"{head}mae: {{max: {most}}}{tail.partition('}')[2]}")


def _lives_by(day: str) -> float | None:
    return nights.contract(dataset.registry(), catalog.load("wind"), day).gate.floors["mae"].max


def test_a_night_lives_by_the_contract_that_it_began_with(place: Path) -> None:
    for most, day in enumerate(DAYS[:3], 10):
        _floor(place, most)
        turn(day)
    _floor(place, 20)
    assert [_lives_by(day) for day in DAYS[:4]] == [10, 11, 12, 20]  # the last has not begun: it would live by this
    end(DAYS[0])
    assert _lives_by(DAYS[0]) == 10
    assert turn(DAYS[0], "again").opened == ()
    assert _lives_by(DAYS[0]) == 10


def test_a_night_knows_what_there_was_when_its_day_was_published(place: Path) -> None:
    registry, loop = dataset.registry(), catalog.load("wind")
    turn(DAYS[0])
    assert nights.revision(registry, loop, DAYS[0]) == registry.head()  # its day is yet to come
    with writing.held(registry) as writer:
        nights.know(writer, loop, [DAYS[0]], (first := registry.head()))
        nights.know(writer, loop, [DAYS[0]], registry.head())  # it knows already
    ingest("wind", "2013-01-01")
    for _ in ("while it is open", "after it has ended"):
        assert nights.revision(registry, loop, DAYS[0]) == first != registry.head()
        assert nights.revision(registry, loop, DAYS[0], "HEAD") == registry.head()  # what is asked for comes first
        end(DAYS[0])
    fact = nights.ended(registry, "wind", DAYS[0])
    assert fact is not None
    assert (fact["contract"], fact["revision"]) == (contracts.take(loop), first)
    assert nights.revision(registry, loop, DAYS[1]) == registry.head()  # no night has lived it
    with pytest.raises(RegistryError, match="there is no revision 'never'"):
        nights.revision(registry, loop, DAYS[0], "never")


def test_what_comes_now_is_known_from_the_first_night_on_whose_day_is_yet_to_come(place: Path) -> None:
    registry, loop = dataset.registry(), catalog.load("wind")
    assert (nights.coming(registry, "wind"), nights.present(registry, "wind")) == ("", "")
    ingest("wind", DAYS[0])
    assert (nights.coming(registry, "wind"), nights.present(registry, "wind")) == (DAYS[1], DAYS[1])
    for day in DAYS[1:3]:
        turn(day)
    assert (nights.coming(registry, "wind"), nights.present(registry, "wind")) == (DAYS[1], DAYS[1])
    with writing.held(registry) as writer:
        nights.know(writer, loop, [DAYS[1]], registry.head())
    assert (nights.coming(registry, "wind"), nights.present(registry, "wind")) == (DAYS[2], DAYS[1])
    # Whoever speaks is heard by a night that has not asked for its training yet.
    assert nights.hearing(registry, "wind") == DAYS[1]
    ask_for_a_training(DAYS[1], "drift__v1")
    assert nights.hearing(registry, "wind") == DAYS[2]


def test_a_night_that_ends_again_keeps_what_it_knew(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    turn(DAYS[0])
    with writing.held(registry) as writer:
        nights.know(writer, loop, [DAYS[0]], registry.head())
        nights.end(writer, loop, [DAYS[0]], "given_up", "a task failed")
        before = nights.ended(writer.registry, "wind", DAYS[0])
        assert nights.ended(registry, "wind", DAYS[0]) is None  # nobody else sees what has not landed
        nights.end(writer, loop, [DAYS[0]], "published", "its monitor was cleared")
    after = nights.ended(registry, "wind", DAYS[0])
    assert before is not None
    assert after is not None
    assert (after["state"], after["revision"], after["contract"]) == (
        "published",
        before["revision"],
        before["contract"],
    )
    assert after["revision"]
