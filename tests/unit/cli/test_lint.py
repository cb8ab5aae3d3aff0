"""`ratchet lint`."""

from __future__ import annotations

from pathlib import Path

from ratchet import cli
from tests.unit.cli.conftest import Ratchet


def test_lint_finds_all_in_order(place: Path, ratchet: Ratchet) -> None:
    code, out, _ = ratchet("lint")
    assert code == 0
    assert out.count("In order") == 3


def test_lint_tells_every_mistake_at_once(place: Path, ratchet: Ratchet) -> None:
    (place / "loops" / "wind" / "features.sql").write_text("SELECT nothing FROM weather")
    (place / "suites" / "expectations" / "flights.json").write_text("{")
    code, _, err = ratchet("lint")
    assert code == cli.FAILED
    assert "features.sql" in err
    assert "flights.json is not an expectation suite" in err
    assert ratchet("lint", "wnd")[2].count("did you mean 'wind'") == 1
