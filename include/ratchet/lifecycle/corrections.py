"""Corrections, as facts: a published day came again and differs. What that reaches, and which night first knows it.

    <loop>/corrections/<partition>/<known>-<delivery>.json

What a correction changes is measured again by the first night that knows of it, as known then; what was decided before
stays as it was decided.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.data import corrections
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.decisions.entries import Entries, Promoted, only
from ratchet.lifecycle import nights
from ratchet.partitions import parse, shift

if TYPE_CHECKING:
    import pyarrow as pa


def write(
    writer: Writer,
    loop: Loop,
    verdict: DeliveryVerdict,
    known: str,
    old: dict[str, pa.Table],
    new: dict[str, pa.Table],
) -> str | None:
    """Write a correction down, or that a day came late, where that changes anything. Does not commit.

    known: the first night that knows of it. old, new: the day's tables. Return what it reaches.
    """
    registry, day = writer.registry, verdict.partition
    found = corrections.reach(loop, old, new)
    if not found.any:
        return None
    learnt = _learnt(registry.ledger(loop.name), day)
    fact = {
        "partition": day,
        "delivery": verdict.delivery,
        "known": known,
        "rows": {"added": found.added, "removed": found.removed, "changed": found.changed},
        "labels": found.labels,
        "nights": _measured(registry, loop, day, known),
        "models": learnt,
    }
    path = f"{_folder(loop, day)}{known or 'history'}-{verdict.delivery[:12]}.json"
    writer.write(path, json.dumps(fact, indent=1, sort_keys=True) + "\n")
    told = f"{'corrects' if old else 'late:'} {day}: {found.words}; known from the night of {known}, which measures it"
    if learnt:
        told += f"; {', '.join(f'v{version}' for version in learnt)} had learnt from it"
    return told


def facts(registry: Registry, loop: str) -> list[dict[str, Any]]:
    """List the corrections of a loop, by the night that first knew each."""
    found = map(json.loads, registry.texts_below(f"{loop}/corrections").values())
    return sorted(found, key=lambda fact: (fact["known"], fact["partition"]))


def known(registry: Registry, loop: Loop, after: str, until: str) -> set[str]:
    """Return the days whose corrections have become known on the nights after `after`, up to `until`."""
    return {fact["partition"] for fact in facts(registry, loop.name) if after < fact["known"] <= until}


def _measured(registry: Registry, loop: Loop, day: str, known: str) -> list[str]:
    """List the nights that have measured a day's labels."""
    first = shift(day, loop.label_delay_days)
    looked = [shift(first, n) for n in range(loop.monitor.window_days)]
    ended = {night: nights.ended(registry, loop.name, night) for night in looked if night < known}
    return [night for night, fact in ended.items() if fact and fact["state"] == "published"]


def _learnt(entries: Entries, day: str) -> list[str]:
    """List the versions that were trained on a day."""
    found = []
    for entry in only(entries, Promoted):
        days = parse(str(entry.data.get("train"))) if entry.data.get("train") else []
        if days and days[0] <= day <= days[-1]:
            found.append(entry.version)
    return found


def _folder(loop: Loop, day: str) -> str:
    return f"{loop.name}/corrections/{day}/"
