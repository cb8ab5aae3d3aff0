"""Nights of the loop wind: begun, looked at, and with a training that one has asked for."""

from __future__ import annotations

from typing import Any

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.lifecycle import dataset, ledger, nights
from tests.conftest import step
from tests.given.entries import entry

DAYS = [f"2013-01-{day:02d}" for day in range(2, 12)]


def turn(day: str, run: str = "") -> Any:
    return step("turn", "wind", partitions=day, run=run or f"night__{day}")


def opened() -> list[str]:
    return [night.partition for night in nights.opened(dataset.registry(), "wind")]


def ended(day: str) -> str:
    found = nights.ended(dataset.registry(), "wind", day)
    return found["state"] if found else ""


def end(day: str, loop: str = "wind") -> None:
    """End a night that was not lived, as if it had been."""
    with writing.held(dataset.registry()) as writer:
        nights.end(writer, catalog.load(loop), [day], "published", "a test")


def ask_for_a_training(day: str, key: str) -> None:
    """Let a night have asked for a training."""
    with writing.held(dataset.registry()) as writer:
        asked = entry("requested", key=f"requested:{day}", partition=day, evidence=key, champion="1", reason="x")
        ledger.write(writer, catalog.load("wind"), [asked])
