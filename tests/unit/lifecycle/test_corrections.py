"""Corrections as facts: what they reach, and which night first knows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.lifecycle import corrections, dataset, ledger, nights
from tests.conftest import ingest
from tests.given.deliveries import rows_of_day
from tests.given.entries import entry
from tests.given.nights import DAYS, end, turn

DAY = "2013-01-05"


def _write(day: str = DAY, delivery: str = "0123456789abcdef") -> tuple[dict[str, Any], str]:
    """Write down that a day came again with one row less and three that are warmer; return the fact, and the words."""
    loop, registry, rows = catalog.load("wind"), dataset.registry(), rows_of_day()
    old = pa.Table.from_pylist(rows)
    new = pa.Table.from_pylist([{**row, "temp": 70.0} if i < 3 else row for i, row in enumerate(rows[:-1])])
    with writing.held(registry) as writer:
        verdict = DeliveryVerdict(partition=day, delivery=delivery, status="accepted", reason="", tables={})
        known = nights.coming(writer.registry, loop.name)
        told = corrections.write(writer, loop, verdict, known, {"weather": old}, {"weather": new})
        assert told is not None
        writer.commit("a correction")
    text = registry.text(f"wind/corrections/{day}/{known or 'history'}-{delivery[:12]}.json")
    assert text is not None
    fact = json.loads(text)
    assert fact["known"] == known
    return fact, told


def _promoted(*trained: str) -> None:
    """Let versions be promoted, one a range of days that it was trained on."""
    with writing.held(dataset.registry()) as writer:
        said = [
            entry("promoted", f"r{n}", version=str(n), reason="x", data={"train": days} if days else {})
            for n, days in enumerate(trained, 1)
        ]
        ledger.write(writer, catalog.load("wind"), said)


def test_what_a_correction_changes_is_written_down(place: Path) -> None:
    fact, told = _write()
    assert fact["partition"] == DAY
    assert fact["delivery"] == "0123456789abcdef"
    assert fact["rows"] == {"added": 0, "removed": 1, "changed": 3}
    assert fact["labels"] == 1
    assert told.startswith(f"corrects {DAY}: 0 rows came, 1 went, 3 differ, 1 labels; known from the night of ")
    assert "had learnt" not in told


def test_the_models_that_had_learnt_from_the_day_are_named(place: Path) -> None:
    _promoted(
        "2013-01-02..2013-01-04", "2013-01-02..2013-01-05", "2013-01-05..2013-01-09", "2013-01-06..2013-01-09", ""
    )
    fact, told = _write()
    assert fact["models"] == ["2", "3"]
    assert told.endswith("; v2, v3 had learnt from it")


@pytest.mark.parametrize("ended", [0, 2, 4, 6])
def test_the_nights_that_had_measured_its_labels_are_named(place: Path, ended: int) -> None:
    """The labels of the 5th come on the 6th, and three nights look at them: the window has three days."""
    for day in DAYS[3 : 3 + ended]:
        turn(day)
        end(day)
    fact, _ = _write()
    had = DAYS[3 : 3 + ended]
    assert fact["nights"] == [night for night in ("2013-01-06", "2013-01-07", "2013-01-08") if night in had]


def test_a_night_that_was_refused_or_rested_has_measured_nothing(place: Path) -> None:
    loop, states = catalog.load("wind"), {"2013-01-06": "refused", "2013-01-07": "rested", "2013-01-08": "refused"}
    for day, state in states.items():
        turn(day)
        with writing.held(dataset.registry()) as writer:
            nights.end(writer, loop, [day], state, "a test")
    assert _write()[0]["nights"] == []


def test_a_correction_is_known_from_the_first_night_on_whose_day_is_yet_to_come(place: Path) -> None:
    ingest("wind", f"{DAYS[0]}..{DAYS[4]}")
    assert _write()[0]["known"] == DAYS[5]  # none is open: the night after the last day
    turn(DAYS[5])
    turn(DAYS[6])
    assert _write()[0]["known"] == DAYS[5]
    ingest("wind", DAYS[5], f"night__{DAYS[5]}")  # its day is there: what comes now it does not know
    end(DAYS[5])
    assert _write()[0]["known"] == DAYS[6]


def test_a_night_knows_the_corrections_since_the_night_before_it(place: Path) -> None:
    registry, loop = dataset.registry(), catalog.load("wind")
    assert corrections.known(registry, loop, "", "2014-01-01") == set()
    ingest("wind", f"{DAYS[0]}..{DAYS[4]}")
    assert _write(DAYS[1])[0]["known"] == DAYS[5]
    ingest("wind", DAYS[5])
    assert _write(DAYS[2], "fedcba9876543210")[0]["known"] == DAYS[6]
    assert _write(DAYS[1], "fedcba9876543210")[0]["known"] == DAYS[6]
    assert corrections.known(registry, loop, DAYS[3], DAYS[4]) == set()
    assert corrections.known(registry, loop, DAYS[4], DAYS[5]) == {DAYS[1]}
    assert corrections.known(registry, loop, DAYS[5], DAYS[6]) == {DAYS[1], DAYS[2]}
    assert corrections.known(registry, loop, DAYS[6], DAYS[9]) == set()
    assert corrections.known(registry, loop, DAYS[3], DAYS[9]) == {DAYS[1], DAYS[2]}
