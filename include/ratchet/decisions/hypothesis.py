"""What a challenger has to prove.

The hypothesis that it belongs to, its evidence in the contract's clusters, and its level.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.contract.loop import Loop
from ratchet.decisions import duel, shadows
from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import Entries, Judged, Promoted, RolledBack, only
from ratchet.partitions import shift, week


def line(loop: Loop, entries: Entries, recipe: str, run: str) -> str:
    """Name the hypothesis that a challenger belongs to: its recipe where that is what is deployed, itself otherwise.

    A recipe that was beaten, rolled back or replaced by another has to prove itself anew: that is a hypothesis of its
    own.
    """
    if loop.gate.deploy == "evaluated":
        return run
    ended = [
        e
        for e in entries
        if isinstance(e, RolledBack)
        or (isinstance(e, Judged) and e.beaten and e.recipe == recipe)
        or (isinstance(e, Promoted) and e.champion is not None and e.recipe != recipe)
    ]
    return f"{recipe}.{len(ended)}"


def carried_from(entries: Entries, name: str, run: str) -> str | None:
    """Return the latest other run of a line that was judged: its evidence is carried on. None where there is none."""
    same = (each.evaluated for each in only(entries, Judged) if each.line == name and each.evaluated != run)
    return next(reversed([*same]), None)


def judge(loop: Loop, entries: Entries, name: str, days: Sequence[Cluster], scale: float) -> duel.Evidence:
    """Judge a challenger's evidence at its e-LOND level.

    scale: the champion's loss, of which the default bound is a tenth.
    """
    index, promotions = shadows.place(entries, name)
    level = duel.level(loop.gate.level, index, promotions)
    return duel.judge(grouped(loop, days), margin=loop.gate.margin, bound=bound(loop, scale), level=level)


def bound(loop: Loop, scale: float) -> float:
    """Return what a cluster's difference is clipped to. Never so little that the margin does not fit."""
    return loop.gate.bound or max(0.1 * abs(scale), 2.01 * loop.gate.margin, 1e-9)


def grouped(loop: Loop, days: Sequence[Cluster]) -> list[Cluster]:
    """Group days into the loop's clusters; the latest week counts when it is over."""
    if loop.gate.cluster == "day" or not days:
        return list(days)
    last = max(each.key for each in days)
    found = duel.merge(Cluster(week(each.key), each.rows, each.total, each.undefined) for each in days)
    return [each for each in found if shift(each.key, 6) <= last]
