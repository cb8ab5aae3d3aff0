"""What becomes of a loop's models, night by night: (entries, evaluation, evidence, rules) -> (decision, new entries).

One copy, lived twice: the steps bring facts from the world and carry decisions out, the replay brings the same facts
with time simulated. Nothing here knows a file, a clock or a network. docs/promotion.md says in words what is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.decisions import checks, duel, gate, hypothesis, retrain, shadows
from ratchet.decisions.checks import Judge
from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import (
    ApprovalAsked,
    Entries,
    Entry,
    Judged,
    Left,
    Promoted,
    Rejected,
    Released,
    Requested,
    RolledBack,
    Vetoed,
    Waiting,
    only,
)
from ratchet.partitions import days_between

Evidence = Callable[[str], Sequence[Cluster]]  # run that was judged -> the days of its evidence


@dataclass(frozen=True)
class Training:
    """A training that is judged."""

    run: str  # its key
    mlflow_run: str  # of the model that is judged
    recipe: str
    evaluation: Mapping[str, Any]  # as `evaluate` has stored it
    minutes: float | None = None


@dataclass(frozen=True)
class FirstLook:
    """What the first look at a challenger has decided."""

    decision: gate.Decision
    line: str  # the hypothesis that the challenger belongs to
    days: tuple[Cluster, ...]  # of its evidence, those that earlier challengers of its line have gathered first
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Night:
    """What the duels of a night have decided."""

    entries: tuple[Entry, ...]
    looks: tuple[tuple[shadows.Challenger, gate.Decision], ...] = ()  # at who waits, oldest first
    winner: shadows.Challenger | None = None  # the first who is to be promoted; the others go on waiting
    predecessor: gate.Decision | None = None  # promote: it is champion again; reject: it is released
    said: str = ""  # of the predecessor, for a person


def first_look(loop: Loop, entries: Entries, training: Training, evidence: Evidence, own: Sequence[Judge]) -> FirstLook:
    """Judge a challenger by its evaluation. A second look at the same gives the same, whatever was decided since."""
    found, run = training.evaluation, training.mlflow_run
    before = _before(entries, run)
    line = hypothesis.line(loop, before, training.recipe, run)
    days, carried, judged = list[Cluster](), False, None
    if found["compared"] is not None:
        other = hypothesis.carried_from(before, line, run)
        earlier = evidence(other) if other else ()
        newest = max((each.key for each in earlier), default="")
        days = [*earlier, *(each for each in duel.load(found["compared"]) if each.key > newest)]
        carried = bool(earlier)
        judged = hypothesis.judge(loop, before, line, days, found["champion_loss"] or found["challenger_loss"])
    decision = gate.decide(checks.every(loop.gate, found, carried, own), judged, loop.gate.cluster)
    about = _about(training, line, found["champion"], decision)
    about |= {"day": max(found["days"]), "first": found["first"], "minutes": training.minutes}
    new: list[Entry] = []
    if decision.verdict == "reject":
        new = [Rejected(key=f"rejected:{run}", **about)]
    elif decision.verdict == "wait":
        since = min(found["days"])
        new = [Waiting(key=f"waiting:{run}", since=since, **about)]
        newcomer = shadows.Challenger(training.run, run, line, since, found["champion"])
        waiting = shadows.challengers(before)
        gone = shadows.leaving(waiting, newcomer, loop.gate.shadows, loop.gate.patience_days, about["day"])
        new += [left(each, gone[each.mlflow_run]) for each in waiting if each.mlflow_run in gone]
    elif loop.gate.approval == "required":
        new = [ApprovalAsked(key=f"approval_asked:{run}", run=training.run, mlflow_run=run, reason=decision.reason)]
    return FirstLook(decision, line, tuple(days), tuple(new))


def night(
    loop: Loop,
    entries: Entries,
    day: str,
    champion: str,
    scale: float,
    shadowed: Sequence[Cluster],
    trainings: Callable[[shadows.Challenger], Training],
    evidence: Evidence,
    own: Sequence[Judge],
) -> Night:
    """Look at the evidence that a night has added.

    champion: its version. scale: its loss on its holdout, in the loss's units. shadowed: the days of its duel with its
    predecessor. trainings: of those who wait; asked for only who is judged.
    """
    new: list[Entry] = []
    before, said, turned = shadows.predecessor(entries), "", None
    if before is not None:
        turned = _predecessor(loop, shadowed, scale)
        told = gate.words(turned.evidence, loop.gate.cluster) if turned.evidence else ""
        said = f"predecessor v{before.version}: {told}"
        if turned.verdict == "promote":
            reason = f"rolled back: the predecessor v{before.version} does better than v{champion}: {told}"
            back = RolledBack(
                key=f"rolled_back:{champion}:{day}",
                version=before.version,
                left=champion,
                mlflow_run="",
                automatic=True,
                partition=day,
                reason=reason,
                **gate.facts(turned),
            )
            return Night((back,), predecessor=turned, said=reason)
        if turned.verdict == "reject":
            said = f"v{before.version} is beaten by what replaced it: {told}"
        elif before.since and days_between(before.since, day) > loop.gate.patience_days:
            said = f"v{before.version} is out of time after {loop.gate.patience_days} days: {told}"
        if not said.startswith("predecessor"):
            key = f"released:{before.version}:{before.since}"
            new.append(Released(key=key, version=before.version, champion=champion, partition=day, reason=said))
    waiting = shadows.challengers(entries)
    gone = shadows.leaving(waiting, None, loop.gate.shadows, loop.gate.patience_days, day)
    looks, winner = list[tuple[shadows.Challenger, gate.Decision]](), None
    for each in waiting:
        if each.champion != champion:
            new.append(left(each, f"the champion that it was measured against, v{each.champion}, was replaced"))
            continue
        training = trainings(each)
        judged = hypothesis.judge(loop, entries, each.line, evidence(each.mlflow_run), scale)
        listed = checks.every(loop.gate, training.evaluation, False, own)
        decision = gate.decide(listed, judged, loop.gate.cluster)
        looks.append((each, decision))
        if decision.verdict == "reject":
            about = _about(training, each.line, champion, decision)
            new.append(Rejected(key=f"rejected:{each.mlflow_run}", **about))
        elif decision.verdict == "promote" and winner is None:
            winner = each
        elif each.mlflow_run in gone:
            new.append(left(each, gone[each.mlflow_run]))
    return Night(tuple(new), tuple(looks), winner, turned, said)


def forbidden(
    training: Training, champion: str | None, approval: Mapping[str, Any] | None, hours: float
) -> Rejected | None:
    """Refuse a challenger that the duel has let through, where something came in between; None where it is promoted.

    champion: the version of now. approval: what a person has answered, where one was to. hours: that they had.
    """
    if approval and approval.get("answer") != "Approve":
        by = approval.get("by")
        why = f"rejected by {by}" if by else f"rejected: nobody answered within {hours:g} hours"
        return refused(training, champion, why, approval=approval)
    if training.evaluation["champion"] != champion:
        why = f"v{champion} has become champion since; this one was judged against another"
        return refused(training, champion, why, approval=approval)
    return None


def refused(training: Training, champion: str | None, why: str, **about: Any) -> Rejected:
    """Refuse a challenger that the duel has let through: a person said no, or its refit is not what was judged."""
    same = {
        "key": f"rejected:{training.mlflow_run}",
        "run": training.run,
        "mlflow_run": training.mlflow_run,
        "evaluated": training.mlflow_run,
        "recipe": training.recipe,
    }
    return Rejected(champion=champion, reason=why, **{**same, **about})


def promoted(entries: Entries, training: Training, version: str, replaces: str | None, **about: Any) -> Promoted:
    """Make a challenger champion.

    replaces: the version that was champion. about: line, numbers and reason of the decision, and what is deployed.
    """
    same = {
        "key": f"promoted:{training.mlflow_run}",
        "run": training.run,
        "mlflow_run": training.mlflow_run,
        "evaluated": training.mlflow_run,
        "recipe": training.recipe,
        "champion": training.evaluation["champion"],
        "first": None if known(entries, training.mlflow_run) else training.evaluation["first"],
    }
    return Promoted(version=version, replaces=replaces, **{**same, **about})


def known(entries: Entries, run: str) -> bool:
    """Say whether a run has been judged before: what its first look has taught is in the ledger then."""
    return any(each.evaluated == run for each in only(entries, Judged))


def admitted(admission: retrain.Admission, day: str, champion: str) -> tuple[Entry, ...]:
    """Write down that a night asks for a retraining, or that bad data forbade it; nothing where it waits."""
    about = {"partition": day, "evidence": admission.key, "champion": champion, "reason": admission.reason}
    if admission.verdict == "retrain":
        return (Requested(key=f"requested:{day}", **about),)
    return (Vetoed(key=f"vetoed:{day}", **about),) if admission.verdict == "veto" else ()


def left(challenger: shadows.Challenger, why: str) -> Left:
    """Let a challenger go that waits no longer."""
    return Left(
        key=f"left:{challenger.mlflow_run}",
        run=challenger.run,
        mlflow_run=challenger.mlflow_run,
        champion=challenger.champion,
        reason=why,
    )


def _about(training: Training, line: str, champion: str | None, decision: gate.Decision) -> dict[str, Any]:
    return {
        "run": training.run,
        "mlflow_run": training.mlflow_run,
        "evaluated": training.mlflow_run,
        "champion": champion,
        "line": line,
        "recipe": training.recipe,
        "reason": decision.reason,
        **gate.facts(decision),
    }


def _before(entries: Entries, run: str) -> Entries:
    """Return the ledger as it was before a run was first judged."""
    judged = (i for i, entry in enumerate(entries) if isinstance(entry, Judged) and entry.evaluated == run)
    return entries[: next(judged, len(entries))]


def _predecessor(loop: Loop, shadowed: Sequence[Cluster], scale: float) -> gate.Decision:
    """Exchange the roles: ask whether the predecessor is better than what has replaced it."""
    bound = hypothesis.bound(loop, scale)
    judged = duel.judge(hypothesis.grouped(loop, shadowed), margin=0.0, bound=bound, level=loop.gate.level)
    return gate.Decision(judged.verdict, "", (), judged)
