"""Days that are fetched again, because their labels are due: `labels: fetched_again` in the contract."""

from __future__ import annotations

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import FETCHED_AGAIN, Loop
from ratchet.partitions import days_between, parse, shift


def days(registry: Registry, loop: Loop, partitions: str) -> list[str]:
    """List the days before those that are asked for whose labels are due on their nights, and that were published."""
    if loop.labels != FETCHED_AGAIN:
        return []
    asked = parse(partitions)
    before = {shift(day, -loop.label_delay_days) for day in asked} - {*asked}
    known = {day: registry.verdict(loop.name, day) for day in sorted(before)}
    return [day for day, verdict in known.items() if verdict is not None and verdict.status == "accepted"]


def spans(listed: list[str], most: int) -> list[list[str]]:
    """Part days, in order, into stretches without a gap, none longer than `most`."""
    found: list[list[str]] = []
    for day in listed:
        if found and days_between(found[-1][-1], day) == 1 and len(found[-1]) < most:
            found[-1].append(day)
        else:
            found.append([day])
    return found
