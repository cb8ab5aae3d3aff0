"""What becomes of challengers, night by night: (entries, evaluation, evidence, rules) -> (decision, new entries).

One copy, lived twice: the steps bring facts from the world and carry decisions out, the replay brings the same facts
with time simulated. Nothing here knows a file, a clock or a network. docs/promotion.md says in words what is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.contract.rules import VALUE
from ratchet.decisions import anchors, checks, duel, gate, hypothesis, lifecycle, shadows, worth
from ratchet.decisions.anchors import Anchor
from ratchet.decisions.checks import Judge
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import (
    ApprovalAsked,
    Delayed,
    Entries,
    Entry,
    Left,
    Rejected,
    Released,
    RolledBack,
    Terms,
    Waiting,
    Won,
    only,
)
from ratchet.decisions.lifecycle import Training
from ratchet.partitions import days_between, shift

_OTHER_UNIT = "its evidence is in another unit (loss, value, cluster, margin, bound) than that of the contract of now"
Evidence = Callable[[str], Gathered]  # run that was judged -> the days of its evidence


@dataclass(frozen=True)
class FirstLook:
    """What the first look at a challenger has decided."""

    decision: gate.Decision
    line: str  # what its recipe tries against this champion
    evidence: Gathered
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Measured:
    """What a night has measured of the champion."""

    scale: float  # its loss at its own first look, in the loss's units
    shadowed: tuple[Cluster, ...] = ()  # the days of its predecessor's duel with what has replaced it
    own: Gathered = duel.NOTHING  # its own days, against the anchor
    best: Callable[[], Sequence[Cluster]] = tuple  # the same against the best of all anchors; asked where it decides
    # Run that waits -> the days of its duel in the contract's own unit; asked where that has one, and no duel is in it.
    valued: Callable[[str], Sequence[Cluster]] = lambda _: ()


@dataclass(frozen=True)
class Night:
    """What the duels of a night have decided."""

    entries: tuple[Entry, ...]
    looks: tuple[tuple[shadows.Challenger, gate.Decision], ...] = ()  # at who waits, oldest first
    winner: Won | None = None  # the first who is to be promoted; the others go on waiting
    back: gate.Decision | None = None  # of who has turned out better than the champion, or been beaten by it
    said: tuple[str, ...] = ()  # of the predecessor and the anchor, for a person


def first_look(loop: Loop, entries: Entries, training: Training, evidence: Evidence, own: Sequence[Judge]) -> FirstLook:
    """Judge a challenger by its evaluation. A second look at the same gives the same, whatever was decided since."""
    found, run = training.evaluation, training.mlflow_run
    before = lifecycle.before(entries, run)
    line = hypothesis.line(loop, before, training.recipe)
    gathered = Gathered(
        tuple(duel.load(found.compared or ())), found.anchor or "", tuple(duel.load(found.anchored or ()))
    )
    now = anchors.anchor(before)
    since, last = min(found.days), max(found.days)
    decision, about = _judged(loop, before, now, training, line, gathered, evidence, own, _left(loop, since, last))
    about |= {"day": last, "first": found.first, "minutes": training.minutes}
    new: list[Entry] = []
    if decision.verdict == "reject":
        new = [Rejected(key=f"rejected:{run}", **about)]
    elif decision.verdict == "wait":
        new = [Waiting(key=f"waiting:{run}", since=since, **about)]
        newcomer = shadows.Challenger(training.run, run, line, since, found.champion)
        waiting = shadows.challengers(before)
        gone = shadows.leaving(waiting, newcomer, loop.gate.shadows, loop.gate.patience, about["day"])
        new += [lifecycle.left(each, gone[each.mlflow_run]) for each in [*waiting, newcomer] if each.mlflow_run in gone]
    else:
        new = [*_won(loop, about)]
    return FirstLook(decision, line, gathered, tuple(new))


def night(
    loop: Loop,
    entries: Entries,
    day: str,
    champion: str | None,
    measured: Measured,
    trainings: Callable[[shadows.Challenger], Training],
    evidence: Evidence,
    own: Sequence[Judge],
) -> Night:
    """Look at the evidence that a night has added.

    champion: its version; None where there is none yet. trainings: of those who wait; asked for only who is judged.
    """
    new, said, back, now = list[Entry](), list[str](), None, anchors.anchor(entries)
    by = _terms(loop, entries, champion, measured.scale)
    if champion is not None:
        new, said, back = _back(loop, entries, day, champion, measured, now, by)
        if any(isinstance(each, RolledBack) for each in new):
            return Night(tuple(new), back=back, said=tuple(said))
    waiting = shadows.challengers(entries)
    gone = shadows.leaving(waiting, None, loop.gate.shadows, loop.gate.patience, day)
    looks, winner = list[tuple[shadows.Challenger, gate.Decision]](), None
    slow, held = {each.mlflow_run for each in only(entries, Delayed)}, None
    for win in lifecycle.pending(entries):  # not at an end yet; where a person was asked, that is theirs
        if win.champion != champion:
            new.append(_replaced(win))
        elif win.evaluated in slow and win.day and days_between(win.day, day) > loop.gate.patience:
            late = f"out of time: its refit was too slow for {loop.gate.patience} days"
            new.append(lifecycle.left(win, late))
        elif win.evaluated in slow:  # whoever was to carry it on has gone: it comes after who wins now
            held = held or win
        elif win.night and not loop.gate.approval:
            winner = winner or win
    for each in waiting:
        if each.champion != champion:
            new.append(_replaced(each))
            continue
        if not hypothesis.same_unit(loop, each.line):
            new.append(lifecycle.left(each, _OTHER_UNIT))
            continue
        training = trainings(each)
        gathered = evidence(each.mlflow_run)
        left = _left(loop, each.since, shift(day, -loop.label_delay_days))
        costed = champion is not None and loop.gate.value is not None and loop.loss != VALUE
        valued = measured.valued(each.mlflow_run) if costed else ()
        decision, about = _judged(loop, entries, now, training, each.line, gathered, evidence, own, left, valued)
        about |= {"night": day}
        looks.append((each, decision))
        if decision.verdict == "reject":
            new.append(Rejected(key=f"rejected:{each.mlflow_run}", **about))
        elif decision.verdict == "promote" and winner is None:
            winner, *asked = _won(loop, {**about, "day": max(training.evaluation.days)})
            new += [winner, *asked]
        elif each.mlflow_run in gone:
            new.append(lifecycle.left(each, gone[each.mlflow_run]))
    if champion is not None and now:
        days = measured.own.anchored if measured.own.anchor == now.name else ()  # measured before the anchor moved
        told = anchors.certified(loop, now, day, champion, by, days)
        moved = anchors.moved(loop, now, day, champion, by, days, measured.best) if winner is None else None
        new = [told, *new, *([moved] if moved else [])]
        said += [told.reason, *([moved.reason] if moved else [])]
    return Night(tuple(new), tuple(looks), winner or held, back, tuple(said))


def _back(
    loop: Loop, entries: Entries, day: str, champion: str, measured: Measured, anchor: Anchor | None, by: Terms
) -> tuple[list[Entry], list[str], gate.Decision | None]:
    """Ask whether the predecessor, or the anchor, does better than the champion: then it takes its place again."""
    tell, before = partial(gate.words, unit=loop.gate.cluster, loss=loop.loss_words), shadows.predecessor(entries)
    said, back = list[str](), None
    if before is not None:
        turned = hypothesis.turned(loop, by, measured.shadowed)
        told, back = tell(turned), gate.Decision(turned.verdict, "", (), turned)
        if turned.verdict == "promote":
            why = f"rolled back: the predecessor v{before.version} does better than v{champion}: {told}"
            return [_rolled_back(before.version, champion, day, why, back)], [why], back
        said = [f"predecessor v{before.version}: {told}"]
    if anchor and anchor.version not in (None, champion) and measured.own.anchor == anchor.name:
        rested = lifecycle.rested_on(loop, entries, champion)  # those days have chosen it
        since = duel.exchange(each for each in measured.own.anchored if each.key > rested)
        turned = hypothesis.judge(loop, by.model_copy(update={"margin": 0.0}), since)
        if turned.verdict == "promote":
            why = f"rolled back: the anchor v{anchor.version} does better than v{champion}: {tell(turned)}"
            better = gate.Decision("promote", "", (), turned)
            return [_rolled_back(anchor.name, champion, day, why, better)], [why], better
    if before is None or back is None or back.evidence is None:
        return [], said, back
    if back.verdict == "reject":
        why = f"v{before.version} is beaten by what replaced it: {tell(back.evidence)}"
    elif before.since and days_between(before.since, day) > loop.gate.patience:
        patience = loop.gate.patience
        why = f"v{before.version} is out of time after {patience} days: {tell(back.evidence)}"
    else:
        return [], said, back
    key = f"released:{before.version}:{before.since}"
    return [Released(key=key, version=before.version, champion=champion, partition=day, reason=why)], [why], back


def _rolled_back(version: str, champion: str, day: str, why: str, decision: gate.Decision) -> RolledBack:
    return RolledBack(
        key=f"rolled_back:{champion}:{day}",
        version=version,
        left=champion,
        mlflow_run="",
        automatic=True,
        partition=day,
        reason=why,
        **gate.facts(decision),
    )


def _judged(
    loop: Loop,
    entries: Entries,
    now: Anchor | None,
    training: Training,
    line: str,
    gathered: Gathered,
    evidence: Evidence,
    own: Sequence[Judge],
    left: int,
    valued: Sequence[Cluster] = (),
) -> tuple[gate.Decision, dict[str, Any]]:
    """Judge a challenger against the champion and the anchor; return what its entry holds of it.

    now: the anchor. left: clusters that its patience still allows. valued: as `worth.worth` takes them.
    """
    found, run = training.evaluation, training.mlflow_run
    before = lifecycle.before(entries, run)
    by, first = hypothesis.terms(loop, entries, line, found.scale), min(found.days)
    shown = None
    if found.compared is not None:
        owed = hypothesis.debt(loop, before, line, run, first, evidence)
        shown = hypothesis.judge(loop, by, gathered.days, owed)
    anchored, against = None, None
    anchor = _anchor(now, gathered.anchor)
    if anchor and not (anchor.name == found.champion and anchor.name == anchor.best):  # that would be the same again
        held = anchors.terms(by, anchor.name == anchor.best)
        owed = anchors.debt(loop, before, anchor.name, run, first, evidence)
        against = hypothesis.judge(loop, held, gathered.anchored, owed)
        anchored = gate.against(anchor.name, held, against)
    listed = checks.every(loop.gate, found.model_dump(), own)
    name = anchors.shown(gathered.anchor) if against else ""
    of = worth.worth(loop, found, gathered, valued)
    decision = gate.decide(listed, shown, loop.gate.cluster, name, against, of, loss=loop.loss_words, left=left)
    about = {
        "run": training.run,
        "mlflow_run": run,
        "evaluated": run,
        "model": found.model,
        "champion": found.champion,
        "line": line,
        "recipe": training.recipe,
        "terms": by if shown or against else None,
        "debt": shown.debt if shown else 0.0,
        "against": anchored,
        "reason": decision.reason,
        **gate.facts(decision),
    }
    return decision, about


def _left(loop: Loop, since: str, last: str) -> int:
    """Return how many clusters of labels may still come to who waits. since: its first day. last: with labels."""
    end = shift(since, loop.gate.patience + 1 - loop.label_delay_days)  # what the night knows that lets it go
    days = max(0, days_between(last, end))
    return days // 7 if loop.gate.cluster == "week" else days


def _anchor(now: Anchor | None, measured: str) -> Anchor | None:
    """Return the anchor that evidence is against: the ledger's or, before a first champion, a baseline."""
    if not measured:
        return None
    return now if now and now.name == measured else Anchor(measured, "", measured)


def _terms(loop: Loop, entries: Entries, champion: str | None, scale: float) -> Terms:
    """Return the terms that the champion was promoted by; those of now where it has none, or in another loss."""
    promotion = lifecycle.promotion(entries, champion) if champion else None
    by = promotion.terms if promotion else None
    return by if by and by.loss == loop.measured_in else hypothesis.of_now(loop, scale)


def _won(loop: Loop, about: Mapping[str, Any]) -> tuple[Won, *tuple[ApprovalAsked, ...]]:
    """Let a challenger have won; ask a person where the contract wants one."""
    found = Won(key=f"won:{about['mlflow_run']}", **about)
    if not loop.gate.approval:
        return (found,)
    run = found.mlflow_run
    question = {"run": found.run, "mlflow_run": run, "approvers": loop.gate.approval, "reason": lifecycle.asked(found)}
    return found, ApprovalAsked(key=f"approval_asked:{run}", **question)


def _replaced(challenger: shadows.Challenger | Won) -> Left:
    if challenger.champion is None:
        return lifecycle.left(challenger, "there is a champion since, which it was not measured against")
    return lifecycle.left(
        challenger, f"the champion that it was measured against, v{challenger.champion}, was replaced"
    )
