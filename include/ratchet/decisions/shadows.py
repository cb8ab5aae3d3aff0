"""Who stands in shadow beside the champion.

Read from the ledger's entries, so that they are as durable as the decisions.

A challenger enters with the entry `waiting` and leaves with `won`, `rejected` or `left`. The champion's
predecessor enters with the entry that replaced it, as the rival that may come back, and leaves with `released` or
`rolled_back`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.decisions.entries import Entries, Judged, Promoted
from ratchet.partitions import days_between, shift


@dataclass(frozen=True)
class Challenger:
    """A run that waits."""

    run: str  # the key of its training
    mlflow_run: str
    line: str  # whose evidence it carries on (a recipe's, or its own)
    since: str  # the first day of its evidence
    champion: str | None  # the version it is compared with


@dataclass(frozen=True)
class Predecessor:
    """The version that a rollback would restore."""

    version: str
    since: str
    versions: tuple[str, ...]  # those that have stood in its place since, the present champion last


def challengers(entries: Entries) -> list[Challenger]:
    """Return the challengers that wait, oldest first."""
    waiting: dict[str, Challenger] = {}
    for entry in entries:
        if entry.kind == "waiting":
            waiting[entry.mlflow_run] = Challenger(entry.run, entry.mlflow_run, entry.line, entry.since, entry.champion)
        elif entry.kind in ("won", "promoted", "rejected"):
            waiting.pop(entry.evaluated, None)
        elif entry.kind == "left":
            waiting.pop(entry.mlflow_run, None)
    return list(waiting.values())


def predecessor(entries: Entries) -> Predecessor | None:
    """Return the champion's rival from before its promotion, where there is one that has not been released.

    While a line's refits replace each other night by night the rival stays the one from before, for a night decides
    nothing. When it is released, the version that the present champion has replaced takes its place: no champion is
    without a rival before it has beaten one.
    """
    found: Predecessor | None = None
    direct: Predecessor | None = None
    for entry in entries:
        if entry.kind == "promoted":
            direct = Predecessor(entry.replaces, entry.day, (entry.version,)) if entry.replaces else None
            found = Predecessor(found.version, found.since, (*found.versions, entry.version)) if found else direct
        elif entry.kind == "released":
            found = direct if direct and direct.version != entry.version else None
        elif entry.kind == "rolled_back":
            found = direct = None
    return found


def watched_since(before: Predecessor, last: str, patience: int) -> str:
    """Return the first day of a predecessor's duel. last: the last with labels. patience: the contract's, in days."""
    return max(shift(before.since, 1) if before.since else "", shift(last, -2 * patience))


def leaving(
    waiting: Sequence[Challenger], newcomer: Challenger | None, size: int, patience: int, today: str
) -> dict[str, str]:
    """Say who has to leave, and why: run -> reason.

    A newcomer pushes out who carries its own line, then who came first.
    """
    late = f"more than {patience} days ago, and has decided nothing"
    gone = {
        c.mlflow_run: f"out of time: its evidence began {c.since}, {late}"
        for c in waiting
        if days_between(c.since, today) > patience
    }
    if newcomer is None:
        return gone
    others = [c for c in waiting if c.mlflow_run not in (newcomer.mlflow_run, *gone)]
    for each in others:
        if each.line == newcomer.line:
            gone[each.mlflow_run] = f"superseded by {newcomer.run}, which carries its recipe's evidence on"
    staying = [c for c in others if c.mlflow_run not in gone]
    for each in staying[: max(0, len(staying) + 1 - size)]:
        gone[each.mlflow_run] = f"superseded by {newcomer.run}: {size} may wait in shadow"
    return gone


def place(entries: Entries, line: str) -> tuple[int, int]:
    """Return a line's place in the loop's stream of hypotheses, and how many of those have led to a promotion.

    Places count from 1.
    """
    lines: dict[str, None] = {}
    won: dict[str, None] = {}
    for entry in entries:
        if isinstance(entry, Judged) and entry.line and entry.champion is not None:
            lines.setdefault(entry.line)
            if isinstance(entry, Promoted):
                won.setdefault(entry.line)
    lines.setdefault(line)
    return list(lines).index(line) + 1, len([each for each in won if each != line])
