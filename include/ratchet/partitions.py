"""Days, and ranges of days."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ratchet.errors import RequestError

LONGEST = 3660  # days that may be asked for at once: ten years
_ENDLESS = 100_000  # days of a range that nobody means
_SPELLING = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EAST = dt.timedelta(hours=14)  # where a day begins first


def parse(text: str) -> list[str]:
    """Read `2013-01-01` or the closed range `2013-01-01..2013-01-31`; return the days in order.

    A day has this one spelling. Raises RequestError.
    """
    first, dots, last = text.partition("..")
    last = last if dots else first
    try:
        if not (_SPELLING.fullmatch(first) and _SPELLING.fullmatch(last)):
            raise ValueError(text)
        start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    except ValueError:
        raise RequestError(
            f"{text!r} is not a partition: give a day as 2013-01-31, or a range as 2013-01-01..2013-01-31"
        ) from None
    if end < start:
        raise RequestError(f"The range {text!r} ends before it begins: give the earlier day first")
    if (end - start).days >= _ENDLESS:
        raise RequestError(f"The range {text!r} is longer than any data: {(end - start).days + 1:,} days")
    return [(start + dt.timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def _asked(text: str) -> str:
    """Check what is asked for: days that have begun somewhere, and not more at once than can be meant."""
    try:
        days = parse(text)
    except RequestError as error:
        raise ValueError(str(error)) from None
    latest = (dt.datetime.now(dt.UTC) + _EAST).date().isoformat()
    if days[-1] > latest:
        raise ValueError(f"{days[-1]} has not come yet; the latest day that can be asked for is {latest}")
    if len(days) > LONGEST:
        raise ValueError(f"{text!r} are {len(days):,} days; ask for {LONGEST:,} or fewer at once")
    return text


def _asked_day(text: str) -> str:
    if ".." in text:
        raise ValueError(f"{text!r} is a range: give one day, as 2013-01-31")
    return _asked(text)


# Of a request. A title says the type in words, for help.
Partition = Annotated[str, AfterValidator(_asked_day), Field(title="a day, as 2013-01-31")]
Days = Annotated[str, AfterValidator(_asked), Field(title="a day, or a closed range as 2013-01-01..2013-01-31")]


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
