"""Days, and ranges of days."""

from __future__ import annotations

import datetime as dt

from ratchet.errors import RequestError


def parse(text: str) -> list[str]:
    """Read `2013-01-01` or the closed range `2013-01-01..2013-01-31`; return the days in order."""
    first, dots, last = text.partition("..")
    try:
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last if dots else first)
    except ValueError:
        raise RequestError(
            f"{text!r} is not a partition: give a day as 2013-01-31, or a range as 2013-01-01..2013-01-31"
        ) from None
    if end < start:
        raise RequestError(f"The range {text!r} ends before it begins: give the earlier day first")
    return [(start + dt.timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def shift(day: str, days: int) -> str:
    """Return the partition `days` after `day`."""
    return (dt.date.fromisoformat(day) + dt.timedelta(days=days)).isoformat()


def days_between(first: str, last: str) -> int:
    """Count the days from `first` to `last`."""
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days


def week(day: str) -> str:
    """Return the Monday of a day's week."""
    date = dt.date.fromisoformat(day)
    return (date - dt.timedelta(days=date.weekday())).isoformat()
