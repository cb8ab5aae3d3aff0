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
    assert second[2:] == ["vetoed", "2013-01-05", "against", "v2", "by", "ada", ":", "bad", "data"]
