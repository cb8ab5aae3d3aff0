"""How much of a night's window is there: the days that came, of those on which rows were expected.

A day of rest, by the calendar or because the source said that it had no rows, is a fact, and nothing is missing of it.
A day of which nobody ever heard was expected, and is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ratchet.decisions.requests import Received
from ratchet.partitions import shift

_TOLD = 5  # days that are told one by one


@dataclass(frozen=True)
class Coverage:
    """What there is of a window."""

    came: int  # days that hold rows ...
    expected: int  # ... of so many on which rows were expected, or came
    never: tuple[str, ...]  # of them, those of which there is no delivery at all


def of_window(
    published: Sequence[str], verdicts: Mapping[str, Received], resting: Collection[str], night: str, window: int
) -> Coverage:
    """Count the days of a window that ends with a night.

    published: the days that hold rows, in order, as known that night; before the first of all nothing was expected.
    verdicts: on the newest delivery of each day of the window. resting: the days of rest, by the contract.
    """
    days = [shift(night, n - window + 1) for n in range(window)]
    here = {*published}
    expected = [
        day
        for day in days
        if day in here or (published and published[0] < day and day not in resting and not _empty(verdicts.get(day)))
    ]
    never = tuple(day for day in expected if day not in here and day not in verdicts)
    return Coverage(len(here & {*days}), len(expected), never)


def told(never: Sequence[str], expected: int) -> str:
    """Say which days never came; nothing where none is missing."""
    if not never:
        return ""
    shown = ", ".join(never[:_TOLD]) + (", …" if len(never) > _TOLD else "")
    return f"{len(never)} of {expected} days of the window never came: {shown}"


def _empty(verdict: Received | None) -> bool:
    return verdict is not None and verdict.status == "empty"
