"""What a challenger has to prove.

The line that it belongs to, the terms that its duel is fought by, and its evidence in the contract's clusters.

A line is what one recipe tries against one champion. It ends with the champion: what was won against one is nothing
against the next, so each promotion is decided at the whole level, by the promoted model's own days. Within a line what
earlier challengers have lost is owed by the next (`duel.owed`): a recipe that is worse does not get through by trying
every night. After Ville's inequality, for the capital of a line; the cut to one unit is the restart of e-detectors
(Shin, Ramdas & Rinaldo 2024, "E-detectors", section 2.2) turned to the side of the hypothesis.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence

from ratchet.contract.loop import Loop
from ratchet.contract.rules import EIGHTH, MARGIN, THIRD
from ratchet.decisions import duel
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Entries, Judged, Lost, Promoted, RolledBack, Terms, only
from ratchet.partitions import shift, week
from ratchet.text import counted

ROWS = 100  # labelled rows below which a holdout's metrics say nothing: 0.7 of so many is 0.60 to 0.78, at 95 %


def line(loop: Loop, entries: Entries, recipe: str) -> str:
    """Name the line that a challenger of now belongs to.

    Whoever was beaten, and whoever meets another champion, or is judged in another unit, has to prove itself anew.
    """
    champions = sum(isinstance(each, Promoted | RolledBack) for each in entries)
    champions += sum(each.vacant for each in only(entries, Lost))
    beaten = sum(isinstance(each, Judged) and each.beaten and each.recipe == recipe for each in entries)
    return f"{recipe}.{unit(loop)}.{champions + beaten}"


def unit(loop: Loop) -> str:
    """Name what the evidence of a duel is measured in, by a hash: loss, cluster, margin and bound."""
    gate = loop.gate
    margin = 0.0 if gate.aim == "superior" else gate.margin
    content = json.dumps([loop.measured_in, gate.cluster, margin, gate.bound])
    return hashlib.sha256(content.encode()).hexdigest()[:6]


def same_unit(loop: Loop, name: str) -> bool:
    """Say whether a line is measured in the contract's unit of now; lines of 0.1 and 0.2 do not say in which."""
    parts = name.split(".")
    return len(parts) < 3 or parts[-2] == unit(loop)


def terms(loop: Loop, entries: Entries, name: str, scale: float) -> Terms:
    """Return the terms that a line is judged by: those of its first day, or of now where this is its first.

    scale: what the default bound is a share of, known before the line's first day (`Evaluation.scale`).
    """
    begun = (each.terms for each in only(entries, Judged) if each.line == name and each.terms)
    return next(begun, None) or of_now(loop, scale)


def of_now(loop: Loop, scale: float) -> Terms:
    """Return the contract's terms of now: what it says and, of margin and bound, what follows where it does not.

    The bound is never so little that the margin does not fit.
    """
    gate = loop.gate
    if gate.aim == "superior":
        margin, bound = 0.0, gate.bound or max(abs(scale) * THIRD, 1e-9)
    else:
        bound = gate.bound or max(abs(scale) * EIGHTH, (gate.margin or 0.0) / MARGIN, 1e-9)
        margin = gate.margin or MARGIN * bound
    return Terms(loss=loop.measured_in, cluster=gate.cluster, margin=margin, bound=bound, level=gate.level)


def margin_words(loop: Loop) -> str:
    """Say how much worse a challenger may be, as far as the contract says it: a number, or a share of a loss."""
    gate, by = loop.gate, of_now(loop, 1.0)
    return f"{by.margin:.0%} of the loss" if gate.margin is None and gate.bound is None else f"{by.margin:g}"


def debt(loop: Loop, entries: Entries, name: str, run: str, first: str, evidence: Callable[[str], Gathered]) -> float:
    """Return what a challenger of a line owes: what those before it have lost, on the days before its own.

    first: its first day. The logarithm of a capital, at most 0.
    """
    judged = [each for each in only(entries, Judged) if each.line == name and each.evaluated != run and each.terms]
    if not judged:
        return 0.0
    before = judged[-1]
    assert before.terms is not None
    return owed(loop, before.terms, evidence(before.evaluated).days, first, before.debt)


def owed(loop: Loop, by: Terms, days: Sequence[Cluster], first: str, debt: float) -> float:
    """Return what a challenger leaves to the next, whose first day is `first`. debt: what it owed itself."""
    before = grouped(loop, [each for each in days if each.key < first])
    return duel.owed(before, margin=by.margin, bound=by.bound, debt=debt)


def judge(loop: Loop, by: Terms, days: Sequence[Cluster], debt: float = 0.0) -> duel.Evidence:
    """Judge a challenger's evidence by the terms of its line."""
    return duel.judge(grouped(loop, days), margin=by.margin, bound=by.bound, level=by.level, debt=debt)


def turned(loop: Loop, by: Terms, days: Sequence[Cluster]) -> duel.Evidence:
    """Judge an older model against the champion, the roles exchanged: it has to be better.

    by: the terms that the champion was promoted by.
    """
    return duel.judge(grouped(loop, days), margin=0.0, bound=by.bound, level=loop.gate.rollback_level)


def too_few(loop: Loop, days: Sequence[Cluster], scale: float) -> dict[str, str]:
    """Say what a holdout has too few of for anything to be said on it alone, `rows` or `clusters` -> in words.

    days: of its labelled rows, against whomever. scale: as in `terms`.
    """
    rows, found, unit = sum(each.rows for each in days), len(grouped(loop, days)), loop.gate.cluster
    by = of_now(loop, scale if math.isfinite(scale) else 1.0)
    needed = duel.fewest(margin=by.margin, bound=by.bound, level=by.level)
    told = {}
    if rows < ROWS:
        told["rows"] = f"on {rows:,} rows nothing can be said yet: at least {ROWS} are needed"
    if found < needed:
        least = f"at least {needed} are needed, and later nights add theirs"
        told["clusters"] = f"{counted(found, unit)} alone can decide no duel: {least}"
    return told


def grouped(loop: Loop, days: Sequence[Cluster]) -> list[Cluster]:
    """Group days into the loop's clusters; the latest week counts when it is over."""
    if loop.gate.cluster == "day" or not days:
        return list(days)
    last = max(each.key for each in days)
    found = duel.merge(Cluster(week(each.key), each.rows, each.total, each.undefined) for each in days)
    return [each for each in found if shift(each.key, 6) <= last]
