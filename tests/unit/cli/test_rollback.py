"""`ratchet rollback`."""

from __future__ import annotations

from pathlib import Path

from ratchet import cli
from tests.given.duels import NAME
from tests.unit.cli.conftest import Ratchet


def test_where_there_is_none_before_it_the_champion_stays(second: str, ratchet: Ratchet) -> None:
    code, _, err = ratchet("rollback", NAME, "--reason", "a test")
    assert code == cli.FAILED
    assert "is the first champion" in err


def test_where_there_is_no_champion_there_is_nothing_to_roll_back(tracked: Path, ratchet: Ratchet) -> None:
    code, _, err = ratchet("rollback", "wind", "--reason", "a test")
    assert code == cli.FAILED
    assert "wind has no champion" in err
