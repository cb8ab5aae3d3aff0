"""The order of nights: which are open, whose turn it is, and what is missing before it.

A night is opened when its ingestion begins, and ends as one of four facts: published (scored, monitored and decided,
its training judged), rested (the source had no rows), refused (the delivery was), or given up (a task failed for good).
A night waits for those before it, so that nights asked for at once, in any order, come to what they come to one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ratchet.decisions.entries import ApprovalAsked, Entries, Judged, Requested, Won, only
from ratchet.partitions import days_between, shift

State = Literal["published", "rested", "refused", "given_up"]
MOST_MADE_UP = 31  # missing nights that are made up by themselves; more are told, for a person to ask for


@dataclass(frozen=True)
class Open:
    """A night that is under way."""

    partition: str
    run: str  # what was begun: a second run of the night waits for the first
    training: str = ""  # the key of the training that the night has asked for, and now waits for
    contract: str = ""  # by which the night is lived, from its beginning on
    revision: str = ""  # of the data registry, once its day is published: what the night knows

    @property
    def told(self) -> str:
        """Say, to a night after it, what that waits for."""
        return f"waits for the night of {self.partition}, which is under way ({self.run})"


@dataclass(frozen=True)
class Missing:
    """Nights that nobody has asked for, between the last that is known and one that begins."""

    days: tuple[str, ...]

    @property
    def runs(self) -> dict[str, str]:
        """Name the runs that make them up: night -> run."""
        return {day: made_up(day) for day in self.days} if self.made_up else {}

    @property
    def made_up(self) -> bool:
        """Say whether they are made up by themselves."""
        return 0 < len(self.days) <= MOST_MADE_UP


def made_up(partition: str) -> str:
    """Name the run that makes a missing night up."""
    return f"night__{partition}"


def before(partition: str, run: str, opened: Iterable[Open], entries: Entries) -> list[Open]:
    """List the nights that `partition` waits for, oldest first.

    Open ones before it, and itself where another run has it.
    """
    opened = list(opened)
    over = settled(opened, entries)
    return sorted(
        (
            night
            for night in opened
            if night not in over
            and (night.partition < partition or (night.partition == partition and run and night.run != run))
        ),
        key=lambda night: night.partition,
    )


def settled(opened: Iterable[Open], entries: Entries) -> list[Open]:
    """List the open nights that waited for a training alone, which is judged: they are over."""
    waiting = [night for night in opened if night.training]
    if not waiting:
        return []
    judged = {e.run for e in entries if isinstance(e, Judged | ApprovalAsked) and not isinstance(e, Won)}
    return [night for night in waiting if night.training in judged]


def missing(partition: str, known: Iterable[str]) -> Missing:
    """Find the nights between the last known one before `partition` and it. known: published, ended or open ones."""
    earlier = [day for day in known if day < partition]
    if not earlier:
        return Missing(())
    last = max(earlier)
    return Missing(tuple(shift(last, n) for n in range(1, days_between(last, partition))))


def may_begin(partition: str, ended: Mapping[str, State], opened: Iterable[Open]) -> bool:
    """Say whether a night may be lived, or lived again.

    One that never was may, as long as no later one is over: a day of the first import that comes again is a correction,
    and no night. One that failed may, as long as no later one has begun.
    """
    over = any(day > partition for day in ended)
    if partition not in ended:
        return not over
    return ended[partition] != "published" and not over and all(night.partition <= partition for night in opened)


def may_decide(partition: str, ended: Mapping[str, State], opened: Iterable[Open]) -> bool:
    """Say whether a night may still decide: a night decides once, and none once a later one has begun."""
    if any(night.partition == partition for night in opened):
        return True
    return may_begin(partition, ended, opened)


def asked(partition: str, entries: Entries) -> str:
    """Return the key of the training that a night has asked for, or nothing."""
    return next((each.evidence for each in only(entries, Requested) if each.partition == partition), "")


def night_of(training: str, entries: Entries) -> str:
    """Return the night that has asked for a training, or nothing."""
    return next((each.partition for each in only(entries, Requested) if each.evidence == training), "")
