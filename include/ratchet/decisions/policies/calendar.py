"""A retraining every so many days."""

from __future__ import annotations

from ratchet.contract.part import Part
from ratchet.contract.rules import CALENDAR, DayCount
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import days_between


class Options(Part):
    """A retraining every so many days."""

    days: DayCount = CALENDAR


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask every so many days."""
    last = max([facts.trained, *facts.requested])
    age = days_between(last, facts.partition) if last else 0
    return f"calendar: {age} days since the last training, one every {options.days}" if age >= options.days else None
