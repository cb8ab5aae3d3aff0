"""Since when each delivery was known: the night that could first rest on it.

A night that was lived has written down which revision of the data registry it knew; what came after it is known from
the next. Where no night was lived, as in an imported history, days are known as they came: a day that is newer than all
before it from its own night on, any other (late, or a correction) from the night after the newest.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.decisions.deliveries import Status, parse
from ratchet.partitions import shift

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Registry


@dataclass(frozen=True)
class Delivery:
    """A day that came, in the order of the registry's commits."""

    revision: str  # the commit
    day: str
    known: str  # the first night that knows it
    status: Status
    reason: str
    rows: int  # accepted, to predict
    again: bool  # the day was there before, or came late: what was measured of it is measured again
    place: int = 0  # of the commit, among all of the registry


def deliveries(registry: Registry, loop: Loop) -> list[Delivery]:
    """List all deliveries of a loop, oldest first."""
    commits, place = _commits(registry, loop), order(registry)
    verdicts = registry.texts_at(commits)
    came = [(revision, Path(path).stem) for revision, path in commits]
    nights = first_known(came, _lived(registry, loop, commits, place))
    found, accepted = [], set[str]()
    for (revision, path), known in zip(commits, nights, strict=True):
        verdict = parse(verdicts[revision, path], f"{path} at {revision[:10]}")
        day = verdict.partition
        fresh = verdict.status == "accepted"
        again = fresh and (day in accepted or known > day)
        if fresh:
            accepted.add(day)
        rows = verdict.tables[loop.main].accepted if fresh else 0
        about = (verdict.status, verdict.reason, rows, again, place[revision])
        found.append(Delivery(revision, day, known, *about))
    return found


def order(registry: Registry) -> dict[str, int]:
    """Return the place of each commit of the registry, the oldest first."""
    return {revision: n for n, revision in enumerate(registry.git("log", "--reverse", "--format=%H", "main").split())}


def written(registry: Registry, loop: str) -> list[int]:
    """Return the place of the commit that wrote each entry of a loop's ledger."""
    place, found = order(registry), list[int]()
    paths = registry.ever(f"{loop}/ledger.jsonl")
    told = ("--format=%x00%H", "--numstat", "--no-renames")
    for block in registry.git("log", "--reverse", *told, "main", "--", *paths).split("\0")[1:]:
        revision, *counts = block.split()
        added, removed = sum(map(int, counts[0::3])), sum(map(int, counts[1::3]))  # beside the path of each file
        found += [place[revision]] * (added - removed)
    return found


def first_known(came: Sequence[tuple[str, str]], lived: Mapping[str, str]) -> list[str]:
    """Return, of each delivery, the first night that knows it.

    came: (commit, day), oldest first. lived: night -> the newest of these commits that it knew.
    """
    index_of = {revision: index for index, (revision, _) in enumerate(came)}
    known = sorted((index_of[revision], night) for night, revision in lived.items() if revision in index_of)
    places = [place for place, _ in known]
    found, newest = [], ""
    for index, (_, day) in enumerate(came):
        night = day if day > newest else shift(newest, 1)
        at = bisect.bisect_left(places, index)
        if places and index > places[0] and at < len(places):
            night = known[at][1]
        found.append(night)
        newest = max(newest, day)
    return found


def _commits(registry: Registry, loop: Loop) -> list[tuple[str, str]]:
    """Return the commits that brought a verdict, oldest first, with its path."""
    found: list[tuple[str, str]] = []
    renamed, folders = registry.renamed(), registry.ever(f"{loop.name}/verdicts")
    for revision, paths in registry.commits("%H", "--reverse", "main", "--", *folders):
        found += [(revision, path) for path in paths if revision not in renamed]
    return found


def _lived(
    registry: Registry, loop: Loop, commits: Sequence[tuple[str, str]], place: Mapping[str, int]
) -> dict[str, str]:
    """Return, of each night that was lived, the newest of these commits that it knew. place: of each commit."""
    texts = {**registry.texts(f"{loop.name}/nights/"), **registry.texts(f"{loop.name}/open/")}
    facts = [json.loads(text) for text in texts.values()]
    knew = {fact["partition"]: fact["revision"] for fact in facts if fact.get("revision")}
    places = [place[revision] for revision, _ in commits]
    found = {night: bisect.bisect_right(places, place[revision]) for night, revision in knew.items()}
    return {night: commits[at - 1][0] for night, at in found.items() if at}
