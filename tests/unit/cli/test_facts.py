"""`ratchet facts`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ledger
from tests.given.entries import entry
from tests.unit.cli.conftest import Ratchet


def test_what_a_decision_rests_on_is_found_by_its_hash(place: Path, tmp_path: Path, ratchet: Ratchet) -> None:
    rests = {"evidence.json": '{"days": []}', "report.html": "<p>so it was</p>"}
    with writing.held(dataset.registry()) as writer:
        ledger.write(writer, catalog.load("wind"), [entry("won", "second", reason="better")], {"won:second": rests})
    code, out, _ = ratchet("facts", "wind", "1", "--to", str(tmp_path / "out"))
    assert code == 0
    assert "won : better" in out
    assert "wind/contracts/" in out
    for name, text in rests.items():
        assert f"{hashlib.sha256(text.encode()).hexdigest()}  {name}" in out
        assert (tmp_path / "out" / name).read_text() == text


def test_a_number_beyond_the_ledger_is_told(place: Path, ratchet: Ratchet) -> None:
    code, _, error = ratchet("facts", "wind", "3")
    assert code == 2
    assert "has 0 entries. See: ratchet history wind" in error
