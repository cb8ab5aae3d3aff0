"""`ratchet lint`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.contract.loop import Loop
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


def test_an_approval_is_refused_where_everybody_is_anybody(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada]\n"))
    assert ratchet("lint", "wind")[0] == 0
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    code, _, err = ratchet("lint", "wind")
    assert code == 2
    assert "who has answered would not be known" in err
    assert "loop.yaml:4" in err


def test_an_approval_that_names_nobody_is_refused(place: Path, ratchet: Ratchet) -> None:
    """As contracts said before logins were named."""
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: required\n"))
    code, _, err = ratchet("lint", "wind")
    assert code == 2
    assert "approval: [ada, grace]" in err


def test_one_loop_keeps_no_other_from_being_checked(
    place: Path, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the first loop of the list stopped all after it."""
    known = catalog.load

    def load(name: str) -> Loop:
        if name == "flight_classes":
            raise ValueError("Exceeds the limit")
        return known(name)

    monkeypatch.setattr(catalog, "load", load)
    code, out, err = ratchet("lint")
    assert code == 2
    assert out.count("In order") == 2
    assert "flight_classes: ValueError: Exceeds the limit" in err
