"""Choose the days of a training: which to train on, and which to hold out."""

from __future__ import annotations

from ratchet.contract.loop import Loop
from ratchet.errors import DataError
from ratchet.partitions import parse, shift


def window(loop: Loop, published: list[str], until: str) -> tuple[list[str], list[str]]:
    """Choose the days: labels are known up to `label_delay_days` before `until`; the latest of them are held out.

    Raises DataError.
    """
    if until:
        parse(until)
    if not published:
        raise DataError(
            f"Nothing of {loop.name} is published yet, so there is nothing to train on. Ingest days first: "
            f"ratchet start {loop.name} says how"
        )
    last = shift(until or published[-1], -loop.label_delay_days)
    days = [day for day in published if day <= last]
    if isinstance(loop.training.window, int):
        days = [day for day in days if day > shift(last, -loop.training.window)]
    held = loop.training.holdout_days
    if len(days) <= held:
        raise DataError(
            f"{len(days)} labelled days of {loop.name} up to {last} are published; a holdout of {held} days "
            "and at least one to train on are needed. Ingest more days, or lower training.holdout_days"
        )
    return days[:-held], days[-held:]
