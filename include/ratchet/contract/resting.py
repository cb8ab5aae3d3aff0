"""The days on which a loop rests: no rows are expected of them, and nobody misses them."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from functools import cache
from typing import TYPE_CHECKING

from ratchet.partitions import days_between, shift

if TYPE_CHECKING:
    from ratchet.contract.loop import Schedule

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEKEND = {5: "Saturday", 6: "Sunday"}


def rests(schedule: Schedule, day: dt.date) -> str:
    """Return why no rows are expected of a day (UTC), as "Christmas Day (DE)"; nothing where some are."""
    if schedule.calendar == "weekdays" and day.weekday() in _WEEKEND:
        return _WEEKEND[day.weekday()]
    if day.isoformat() in schedule.holidays:
        return "a holiday of the contract"
    for place in schedule.holidays:
        if not _DATE.fullmatch(place) and (name := _holidays(place, day.year).get(day)):
            return f"{name} ({place})"
    return ""


def days_of_rest(schedule: Schedule, first: str, last: str) -> set[str]:
    """List the days from `first` to `last` on which a loop rests."""
    days = (shift(first, n) for n in range(days_between(first, last) + 1))
    return {day for day in days if rests(schedule, dt.date.fromisoformat(day))}


def plain(holiday: object) -> object:
    """Take a date of YAML's own for its text."""
    return holiday.isoformat() if isinstance(holiday, dt.date) else holiday


def check(holiday: str) -> str:
    """Return a date, or a place whose holidays are known. Raises ValueError with what is wrong."""
    if holiday[:1].isdigit():
        try:
            if _DATE.fullmatch(holiday) and dt.date.fromisoformat(holiday):
                return holiday
        except ValueError:
            pass
        raise ValueError(f"{holiday!r} is not a date; write one as 2024-12-25")
    country, _, part = holiday.partition("-")
    known = _countries()
    if country not in known:
        raise ValueError(f"{holiday!r} is neither a date nor a country; {_nearest(country, [*known])}as DE or US-NY")
    if "-" in holiday and part not in known[country]:
        parts = known[country]
        raise ValueError(
            f"{country} has no part {part!r} with holidays of its own; {_nearest(part, parts)}as {country}-{parts[0]}"
            if parts
            else f"the holidays of {country} are those of all its parts; write {country}"
        )
    return holiday


def _nearest(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word.upper(), words, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}? Write one " if close else "write one "


@cache
def _countries() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries(include_aliases=True)


@cache
def _holidays(place: str, year: int) -> dict[dt.date, str]:
    """Return the holidays of a place in a year: day -> its English name."""
    import holidays

    country, _, part = place.partition("-")
    return {**holidays.country_holidays(country, subdiv=part or None, years=year, language="en_US")}
