"""Who stands in shadow beside the champion.

Read from the ledger's entries, so that they are as durable as the decisions.

A challenger enters with the entry `waiting` and leaves with `won`, `rejected` or `left`. The champion's
predecessor enters with the entry that replaced it, as the rival that may come back, and leaves with `released` or
`rolled_back`, or with `lost` where its model is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.decisions.entries import Entries
from ratchet.partitions import days_between, shift

BASELINE = "baseline:"  # before the MLflow run of a training: its baseline, where it stands in shadow as a run does


@dataclass(frozen=True)
class Challenger:
    """A run that waits."""

    run: str  # the key of its training
    mlflow_run: str
    line: str  # what its recipe tries against this champion
    since: str  # the first day of its evidence
    champion: str | None  # the version it is compared with


@dataclass(frozen=True)
class Predecessor:
    """The version that a rollback would restore."""

    version: str
    since: str
    versions: tuple[str, ...]  # those that have stood in its place since, the present champion last


def baseline(run: str) -> str:
    """Name the baseline of a training. run: its MLflow run."""
    return f"{BASELINE}{run}"


def trained_with(name: str) -> str | None:
    """Return the MLflow run that a baseline was trained with; None where the name is not that of a baseline."""
    return name.removeprefix(BASELINE) if name.startswith(BASELINE) else None


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
        elif entry.kind == "lost":
            direct = direct if direct and direct.version != entry.version and not entry.vacant else None
            found = direct if found and (found.version == entry.version or entry.vacant) else found
        elif entry.kind == "rolled_back":
            found = direct = None
    return found


def watched_since(before: Predecessor, last: str, patience: int) -> str:
    """Return the first day of a predecessor's duel. last: the last with labels. patience: the contract's, in days."""
    return max(shift(before.since, 1) if before.since else "", shift(last, -2 * patience))


def leaving(
    waiting: Sequence[Challenger], newcomer: Challenger | None, size: int, patience: int, today: str
) -> dict[str, str]:
    """Say who has to leave, and why: run -> reason; the newcomer itself may.

    Where more wait than may, the youngest of the line that most of them are of leaves: who has waited longest has the
    most evidence. Where each is of a line of its own, who came first leaves.
    """
    late = f"more than {patience} days ago, and has decided nothing"
    gone = {
        c.mlflow_run: f"out of time: its evidence began {c.since}, {late}"
        for c in waiting
        if days_between(c.since, today) > patience
    }
    if newcomer is None:
        return gone
    staying = [c for c in waiting if c.mlflow_run not in (newcomer.mlflow_run, *gone)] + [newcomer]
    while len(staying) > size:
        lines = [c.line for c in staying]
        most = max(map(lines.count, lines))
        youngest = next(c for c in reversed(staying) if lines.count(c.line) == most)
        leaves, why = (youngest, "who came before it have more evidence") if most > 1 else (staying[0], "it came first")
        gone[leaves.mlflow_run] = f"{size} may wait in shadow, and {why}"
        staying.remove(leaves)
    return gone
