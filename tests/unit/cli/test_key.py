"""`ratchet key`."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.decisions.entries import Paused
from ratchet.lifecycle import ledger
from tests.conftest import ingest
from tests.unit.cli.conftest import Ratchet


def test_a_key_follows_contract_features_and_data(place: Path, ratchet: Ratchet) -> None:
    seen = [ratchet("key", "wind")[1]]
    assert ratchet("key", "wind")[1] == seen[0]
    assert seen[0].startswith("repro-")
    folder = place / "loops" / "wind"
    for name in ("loop.yaml", "features.sql"):
        path = folder / name
        path.write_text(path.read_text() + ("\n" if name == "loop.yaml" else "\n-- a comment\n"))
        seen.append(ratchet("key", "wind")[1])
    ingest("wind", "2013-01-02")
    seen.append(ratchet("key", "wind")[1])
    assert len(set(seen)) == 4
    ledger.say(catalog.load("wind"), Paused, "what is no data changes nothing: a training notes what it has made")
    assert ratchet("key", "wind")[1] == seen[-1]
