"""`ratchet history`."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ledger
from tests.given.entries import entry
from tests.unit.cli.conftest import Ratchet


def test_every_decision_is_a_line_oldest_first(place: Path, ratchet: Ratchet) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with writing.held(registry) as writer:
        said = [
            entry("promoted", "second", version="2", replaces="1", reason="better", by="ada"),
            entry("vetoed", partition="2013-01-05", champion="2", reason="bad data", by="ada"),
        ]
        ledger.write(writer, loop, said)
    code, out, _ = ratchet("history", "wind")
    assert code == 0
    first, second = (line.split() for line in out.splitlines())
    assert first[0] == "1"
    assert first[2:] == ["promoted", "v2", "against", "v1", "by", "ada", "second:", "better"]
    assert second[2:] == ["vetoed", "2013-01-05", "against", "v2", "by", "ada", "bad", "data"]


def test_a_request_names_its_training_and_a_win_is_told_once(place: Path, ratchet: Ratchet) -> None:
    loop, registry, key = catalog.load("wind"), dataset.registry(), "drift__v1__2013-01-05"
    won = entry("won", key, reason="promoted: better by 0.1", by="ada", day="2013-01-07")
    with writing.held(registry) as writer:
        said = [
            entry("requested", key="r", partition="2013-01-05", evidence=key, champion="1", reason="drift", by="ada"),
            won,
            entry("promoted", key, version="2", replaces="1", reason=won.reason, by="ada", day="2013-01-09"),
            entry("promoted", "other", version="3", replaces="2", reason=won.reason, by="ada"),
        ]
        ledger.write(writer, loop, said)
    lines = ratchet("history", "wind")[1].splitlines()
    requested, first, second, other = (line.split("  by ada  ")[1] for line in lines)
    assert requested == f"{key}: drift"
    assert first == f"{key}, data up to 2013-01-07: promoted: better by 0.1"
    assert second == f"{key}, data up to 2013-01-09: as won"
    assert other == "other: promoted: better by 0.1"  # that run has won nothing


def _certify(*nights: str) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with writing.held(registry) as writer:
        said = [entry("certified", night, partition=night, reason=f"held on {night}", by="night") for night in nights]
        ledger.write(writer, loop, said)


def test_certificates_that_are_left_out_are_counted_and_may_be_seen(place: Path, ratchet: Ratchet) -> None:
    _certify("2013-01-05")
    assert "left out" not in ratchet("history", "wind")[1]
    _certify("2013-01-06")
    *_, last = ratchet("history", "wind")[1].splitlines()
    assert last == "1 nightly certificate left out, older than the newest. See all: ratchet history wind --all"
    _certify("2013-01-07")
    shown, last = ratchet("history", "wind")[1].splitlines()
    assert shown.split()[0] == "3"
    assert last == "2 nightly certificates left out, older than the newest. See all: ratchet history wind --all"
    code, out, _ = ratchet("history", "wind", "--all")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["1", "2", "3"]
    assert "left out" not in out
