"""`ratchet pause` and `ratchet resume`."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.decisions import requests
from ratchet.lifecycle import ledger
from tests.unit.cli.conftest import Ratchet


def test_a_pause_lasts_until_it_is_lifted(place: Path, ratchet: Ratchet) -> None:
    def paused() -> object:
        return requests.facts(ledger.read(catalog.load("wind")), "2013-01-05", 1)["paused"]

    assert paused() == ""
    code, out, _ = ratchet("pause", "wind", "--reason", "a new anemometer")
    assert code == 0
    assert "ratchet resume wind" in out
    assert paused() == "a new anemometer"
    assert ratchet("resume", "wind")[0] == 0
    assert paused() == ""
    assert [entry.kind for entry in ledger.read(catalog.load("wind"))] == ["paused", "resumed"]


def test_a_pause_needs_a_reason(place: Path, ratchet: Ratchet) -> None:
    code, _, err = ratchet("pause", "wind")
    assert code == 2
    assert "--reason" in err
