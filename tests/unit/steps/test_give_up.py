"""Give up: what failed for good ends, so that later nights go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger, nights
from tests.conftest import step

DAYS = [f"2013-01-{day:02d}" for day in range(2, 12)]


def _turn(day: str, run: str = "") -> object:
    return step("turn", "wind", partitions=day, run=run or f"night__{day}")


def _open() -> list[str]:
    return [night.partition for night in nights.opened(dataset.registry(), "wind")]


def _ended(day: str) -> str:
    found = nights.ended(dataset.registry(), "wind", day)
    return found["state"] if found else ""


def test_a_training_that_fails_gives_its_night_up(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    _turn(DAYS[0])
    with registry.writer() as writer:
        asked = {"kind": "requested", "partition": DAYS[0], "evidence": "drift__v1", "champion": "1", "reason": "x"}
        ledger.write(writer, loop, f"requested:{DAYS[0]}", asked, "Ask")
    assert step("give_up", "wind", training="by-hand", reason="x").outcome == "unchanged"
    assert step("give_up", "wind", training="drift__v1", reason="it diverged").nights == (DAYS[0],)
    assert _ended(DAYS[0]) == "given_up"
    with pytest.raises(RequestError, match="Name what is given up"):
        step("give_up", "wind")
