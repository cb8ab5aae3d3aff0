"""The anchor: an older model that stays in shadow, that every promotion has to hold against, and that moves on proof.

A chain of "not worse by more than a margin" may creep down by a margin a link. The anchor is the last model that was
proved better than its own anchor; the first is the baseline of the first champion. A challenger has to hold against it
by at most a margin, as against the champion, and what challengers lose against it is owed by those that follow, across
champions (`duel.owed`): so the probability that ever a model is promoted that is worse than the anchor by more than the
margin is at most the level, and what a loop may lose in all against the best model that it kept is one margin.

An anchor that has grown old may move to a champion that is proved not worse than the best of all kept by more than half
a margin. It is held to the best from then on: challengers have the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.contract.loop import Loop
from ratchet.decisions import gate, hypothesis, lifecycle, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Anchored, Certified, Entries, Judged, Terms, only
from ratchet.partitions import days_between
from ratchet.text import counted, signed

# Days that are known, and the other side's name, a version's or a baseline's -> those and the labelled days since.
Compare = Callable[[Sequence[Cluster], str], tuple[Cluster, ...]]

FIFTH = 0.2  # of the bound: how much may be lost to the anchor where the aim is superior, and there is no margin


@dataclass(frozen=True)
class Anchor:
    """What a loop's models are held to."""

    name: str  # a version, or the name of a baseline (`shadows.baseline`)
    since: str  # the day that it became the anchor
    best: str  # the last that was proved better than its own anchor: itself, or what it was not worse than

    @property
    def version(self) -> str | None:
        """Return its version; None where it is a baseline, which nobody can turn back to."""
        return None if shadows.trained_with(self.name) else self.name


def anchor(entries: Entries) -> Anchor | None:
    """Return the anchor; None where there is none before a first champion: its baseline then stands for it.

    A loop that had a champion before there were anchors begins with the last of those. An anchor that is lost leaves
    its place to the one before it; a baseline lies in the data registry, and is not lost with MLflow.
    """
    moved, begun, gone = None, None, set()
    for entry in reversed(entries):  # by kind: a look at classes takes three times as long, and this is asked often
        if entry.kind == "lost":
            gone.add(entry.version)
        elif entry.kind == "anchored" and entry.version not in gone:
            moved = moved or entry
            if entry.how == "better":
                return Anchor(moved.version, moved.partition, entry.version)
        elif entry.kind == "promoted" and (entry.version not in gone or (entry.champion is None and entry.terms)):
            begun = entry
            if entry.terms is None:
                break
    if begun is None:
        return None
    first = shadows.baseline(begun.evaluated) if begun.champion is None and begun.terms else begun.version
    return Anchor(moved.version, moved.partition, first) if moved else Anchor(first, begun.day, first)


def in_shadow(entries: Entries) -> list[str]:
    """List the versions that predict in shadow beside the champion: its predecessor, and the anchor."""
    before, now = shadows.predecessor(entries), anchor(entries)
    versions = {before.version if before else None, now.version if now else None}
    return sorted({each for each in versions if each} - {lifecycle.champion(entries)})


def gathered(before: Gathered, champion: str | None, name: str, compare: Compare) -> Gathered:
    """Add to a challenger's evidence against the champion and the anchor what labels have come since.

    before: what is known. champion: its version; None where there is none. name: the anchor's.
    """
    days = before.days if champion is None else compare(before.days, champion)
    return Gathered(days, name, days if name == champion else against(before, name, compare))


def against(before: Gathered, name: str, compare: Compare) -> tuple[Cluster, ...]:
    """Return days against an anchor: those that are known and what came since, or all anew where it is another."""
    if not name:
        return ()
    return compare(before.anchored if before.anchor == name else (), name)


def shown(name: str) -> str:
    """Name an anchor for people."""
    return "the baseline" if shadows.trained_with(name) else f"v{name}"


def terms(by: Terms, best: bool) -> Terms:
    """Return the terms of a duel with the anchor: those of the challenger's line, by the anchor's own margin.

    by: the line's, which say how much may be lost. best: whether the anchor is the best of all kept, or itself held to
    that by half of what may be lost.
    """
    whole = by.margin or FIFTH * by.bound
    return by.model_copy(update={"margin": whole if best else whole / 2})


def debt(loop: Loop, entries: Entries, name: str, run: str, first: str, evidence: Callable[[str], Gathered]) -> float:
    """Return what challengers owe to an anchor on a day: what those before have lost against it, before that day.

    name: the anchor's. The logarithm of a capital, at most 0.
    """
    judged = [
        each
        for each in only(entries, Judged)
        if each.evaluated != run and each.against is not None and each.against.name == name
    ]
    if not judged or judged[-1].against is None:
        return 0.0
    before, held = judged[-1].against, evidence(judged[-1].evaluated)
    if held.anchor != name or before.terms.loss != loop.measured_in or before.terms.cluster != loop.gate.cluster:
        return 0.0
    return hypothesis.owed(loop, before.terms, held.anchored, first, before.debt)


def moved(
    loop: Loop,
    now: Anchor | None,
    night: str,
    version: str,
    by: Terms,
    days: Sequence[Cluster],
    against_best: Callable[[], Sequence[Cluster]],
) -> Anchored | None:
    """Move the anchor to tonight's champion where that is proved better, or not worse once the anchor is old.

    now: the anchor of before. version: the champion's. by: the terms of its promotion. days: its own, against the
    anchor. against_best: its own, against the best of all kept; asked for only where it decides.
    """
    if now is None or now.name == version:
        return None
    better = hypothesis.judge(loop, by.model_copy(update={"margin": 0.0}), days)
    old = days_between(now.since, night) >= loop.gate.anchor_days
    if not old and better.verdict != "promote":
        return None
    held, found = (days, better) if now.best == now.name else (against_best(), None)
    found = found or hypothesis.judge(loop, by.model_copy(update={"margin": 0.0}), held)
    how: Literal["better", "not worse"] = "better" if found.verdict == "promote" else "not worse"
    if how == "not worse":
        found = hypothesis.judge(loop, terms(by, best=False), held)
    if found.verdict != "promote":
        return None
    reason = (
        f"v{version} is the anchor: it is proved {how} than {shown(now.best)}, the best of all kept, "
        f"{signed(found.difference)} over its own {counted(found.clusters, loop.gate.cluster)}: evidence "
        f"{gate.odds(found.rival)} for it, {gate.odds(found.needed)} needed"
    )
    return Anchored(
        key=f"anchored:{version}:{night}", version=version, how=how, best=now.best, partition=night, reason=reason
    )


def certified(loop: Loop, now: Anchor, night: str, version: str, by: Terms, days: Sequence[Cluster]) -> Certified:
    """State what a night can say of the champion against the anchor. days: the champion's own, against it."""
    if now.name == version:
        reason = f"v{version} is the anchor since {now.since}"
        return Certified(
            key=f"certified:{night}", partition=night, version=version, anchor=now.name, since=now.since, reason=reason
        )
    found = hypothesis.judge(loop, terms(by, now.best == now.name), days)
    count = counted(found.clusters, loop.gate.cluster)
    said = f"{signed(found.difference)} [{signed(found.low)}, {signed(found.high)}], {count}"
    if not found.clusters:
        said = f"no {loop.gate.cluster} of labels yet that neither has seen"
    whom = f"the anchor {shown(now.name)}" if now.version else f"its anchor, {shown(now.name)}"
    reason = f"v{version} against {whom} of {now.since}: {said}"
    return Certified(
        key=f"certified:{night}",
        partition=night,
        version=version,
        anchor=now.name,
        since=now.since,
        difference=found.difference,
        low=found.low,
        high=found.high,
        clusters=found.clusters,
        loss=loop.measured_in,
        reason=reason,
    )
