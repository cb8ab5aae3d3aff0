"""A policy: ask on one day of the week, so that people are there to look."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from ratchet.api import NightFacts, Part

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Options(Part):
    """day: of the week."""

    day: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] = "Monday"


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask on the day."""
    day = DAYS[dt.date.fromisoformat(facts.partition).weekday()]
    return f"weekday: it is {day}" if day == options.day else None
