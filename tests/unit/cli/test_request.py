"""`ratchet request`."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.decisions import requests
from ratchet.lifecycle import ledger
from tests.unit.cli.conftest import FakeAirflow, Ratchet


def test_who_asks_twice_has_asked_twice(place: Path, ratchet: Ratchet) -> None:
    for reason in ("a new airline", "a new airline"):
        assert ratchet("request", "wind", "--reason", reason)[0] == 0
    entries = ledger.read(catalog.load("wind"))
    assert [(entry.kind, entry.reason) for entry in entries] == [("asked", "a new airline")] * 2
    asked = requests.facts(entries, "2013-01-05", 1)["asked"]
    assert asked == [f"{entries[0].by} (a new airline)"] * 2


def test_who_has_no_airflow_is_told_what_a_shell_does(place: Path, ratchet: Ratchet) -> None:
    _, told, _ = ratchet("request", "wind", "--reason", "a new airline")
    assert "the next night decides. To train now, without Airflow: ratchet step snapshot --loop wind --run NAME" in told
    assert "docs/nights.md#a-night-from-the-shell" in told
    assert "DAG" not in told


def test_who_has_airflow_is_told_the_dag(airflow: FakeAirflow, ratchet: Ratchet) -> None:
    _, told, _ = ratchet("request", "wind", "--reason", "a new airline")
    assert told == "wind: asked; the next night decides. To train now, trigger the DAG wind.train\n"
