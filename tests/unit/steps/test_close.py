"""Close: a night ends once, and one that asked for a training when that is judged."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
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


def test_a_night_that_asked_for_a_training_is_over_when_it_is_judged(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    _turn(DAYS[0])
    with registry.writer() as writer:
        asked = {"kind": "requested", "partition": DAYS[0], "evidence": "drift__v1", "champion": "1", "reason": "x"}
        ledger.write(writer, loop, f"requested:{DAYS[0]}", asked, "Ask")
    assert step("close", "wind", partition=DAYS[0]).training == "drift__v1"
    assert [night.training for night in nights.waits_for(registry, "wind", DAYS[1])] == ["drift__v1"]
    with registry.writer() as writer:
        ledger.write(writer, loop, "rejected:r", {"kind": "rejected", "run": "drift__v1", "reason": "x"}, "Reject")
    assert nights.waits_for(registry, "wind", DAYS[1]) == []
    assert not nights.may_decide(registry, "wind", DAYS[0])
    # The next night that begins writes it down.
    step("turn", "wind", partitions=DAYS[1], run="next")
    ended = nights.ended(registry, "wind", DAYS[0])
    assert ended is not None
    assert ended["reason"] == "its training drift__v1 was judged"
