"""What a loop's ledger says of requests for retraining.

Which there were, which have no outcome yet, and who has asked or paused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ratchet.decisions.deliveries import Status
from ratchet.decisions.entries import Entries, Judged
from ratchet.partitions import days_between, shift


class Received(Protocol):
    """A delivery, of which it is known what became of it."""

    @property
    def status(self) -> Status:
        """Accepted, rejected or empty."""

    @property
    def reason(self) -> str:
        """Why, for a person to read."""


LOST = 2  # nights after which a request without an outcome counts as lost, and no longer absorbs others


def facts(entries: Entries, partition: str, delay: int) -> dict[str, Any]:
    """Return `requested`, `pending`, `asked`, `minutes` and `paused` of a night's evidence.

    delay: days until labels are known.
    """
    requested: dict[str, str] = {}
    asked: list[str] = []
    minutes: dict[str, float] = {}
    judged: set[str] = set()
    paused = ""
    for entry in entries:
        if entry.kind == "requested":
            requested[entry.partition] = entry.evidence
            asked = []
        elif entry.kind == "asked":
            asked.append(f"{entry.by} ({entry.reason})")
        elif entry.kind in ("paused", "resumed"):
            paused = entry.reason if entry.kind == "paused" else ""
        elif isinstance(entry, Judged):
            judged.add(entry.run)
            if entry.minutes and entry.day:
                night = shift(entry.day, delay)
                minutes[night] = minutes.get(night, 0.0) + entry.minutes
    pending = [
        key for night, key in requested.items() if key not in judged and 0 < days_between(night, partition) <= LOST
    ]
    return {"requested": requested, "pending": pending, "asked": asked, "minutes": minutes, "paused": paused}


def bad_data(verdicts: Mapping[str, Received], night: str, window: int) -> dict[str, str]:
    """Return the refused days of a night's window: day -> why. They are repaired, not learnt.

    verdicts: on the newest delivery of each day, as known that night. A day on which the source had no rows is none:
    many loops rest at weekends.
    """
    first = shift(night, 1 - window)
    return {
        day: verdict.reason
        for day, verdict in verdicts.items()
        if first <= day <= night and verdict.status == "rejected"
    }
