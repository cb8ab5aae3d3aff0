"""`ratchet champion`."""

from __future__ import annotations

from ratchet import catalog
from ratchet.decisions.entries import Promoted, only
from ratchet.lifecycle import ledger
from tests.given.duels import NAME


def test_the_same_repository_tells_who_was_champion(second: str) -> None:
    from click.testing import CliRunner

    from ratchet.cli import ratchet

    entry = only(ledger.read(catalog.load(NAME)), Promoted)[0]
    said = CliRunner().invoke(ratchet, ["champion", NAME, "--at", entry.at])
    assert said.output.startswith("v2 since")
    assert entry.version == "2"
