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
from ratchet.decisions.duel import Cluster, Verdict
from ratchet.decisions.entries import (
    Answered,
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
    Won,
    only,
)
from ratchet.decisions.evaluation import Evaluation
from ratchet.partitions import days_between

_OWN = {
    "key",
    "kind",
    "at",
    "by",
    "before",
    "format",
    "signature",
    "contract",
    "minutes",
}  # of an entry, and of no other
Evidence = Callable[[str], Sequence[Cluster]]  # run that was judged -> the days of its evidence


@dataclass(frozen=True)
class Training:
    """A training that is judged."""

    run: str  # its key
    mlflow_run: str  # of the model that is judged
    recipe: str
    evaluation: Evaluation
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
    winner: Won | None = None  # the first who is to be promoted; the others go on waiting
    predecessor: gate.Decision | None = None  # promote: it is champion again; reject: it is released
    said: str = ""  # of the predecessor, for a person


def first_look(loop: Loop, entries: Entries, training: Training, evidence: Evidence, own: Sequence[Judge]) -> FirstLook:
    """Judge a challenger by its evaluation. A second look at the same gives the same, whatever was decided since."""
    found, run = training.evaluation, training.mlflow_run
    before = _before(entries, run)
    line = hypothesis.line(loop, before, training.recipe, run)
    days, carried, judged = list[Cluster](), False, None
    if found.compared is not None:
        other = hypothesis.carried_from(before, line, run)
        earlier = evidence(other) if other else ()
        newest = max((each.key for each in earlier), default="")
        days = [*earlier, *(each for each in duel.load(found.compared) if each.key > newest)]
        carried = bool(earlier)
        judged = hypothesis.judge(loop, before, line, days, found.champion_loss or found.challenger_loss)
    decision = gate.decide(checks.every(loop.gate, found.model_dump(), carried, own), judged, loop.gate.cluster)
    about = _about(training, line, found.champion, decision)
    about |= {"day": max(found.days), "first": found.first, "minutes": training.minutes}
    new: list[Entry] = []
    if decision.verdict == "reject":
        new = [Rejected(key=f"rejected:{run}", **about)]
    elif decision.verdict == "wait":
        since = min(found.days)
        new = [Waiting(key=f"waiting:{run}", since=since, **about)]
        newcomer = shadows.Challenger(training.run, run, line, since, found.champion)
        waiting = shadows.challengers(before)
        gone = shadows.leaving(waiting, newcomer, loop.gate.shadows, loop.gate.patience_days, about["day"])
        new += [left(each, gone[each.mlflow_run]) for each in waiting if each.mlflow_run in gone]
    else:
        new = [*_won(loop, about)]
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
    for win in pending(entries):  # its promotion has not come to an end yet; where a person was asked, that is theirs
        if win.champion != champion:
            new.append(_replaced(win))
        elif win.night and not loop.gate.approval:
            winner = winner or win
    for each in waiting:
        if each.champion != champion:
            new.append(_replaced(each))
            continue
        training = trainings(each)
        judged = hypothesis.judge(loop, entries, each.line, evidence(each.mlflow_run), scale)
        listed = checks.every(loop.gate, training.evaluation.model_dump(), False, own)
        decision = gate.decide(listed, judged, loop.gate.cluster)
        looks.append((each, decision))
        if decision.verdict == "reject":
            about = _about(training, each.line, champion, decision)
            new.append(Rejected(key=f"rejected:{each.mlflow_run}", night=day, **about))
        elif decision.verdict == "promote" and winner is None:
            about = _about(training, each.line, champion, decision)
            winner, *asked = _won(loop, {**about, "night": day, "day": max(training.evaluation.days)})
            new += [winner, *asked]
        elif each.mlflow_run in gone:
            new.append(left(each, gone[each.mlflow_run]))
    return Night(tuple(new), tuple(looks), winner, turned, said)


def forbidden(entries: Entries, won: Won, approval: Mapping[str, Any] | None, hours: float) -> Rejected | None:
    """Refuse a challenger that has won, where something came in between; None where it is to be promoted.

    approval: what a person has answered, where one was to. hours: that they had.
    """
    if approval and approval.get("answer") != "Approve":
        by = approval.get("by")
        why = (
            f"rejected: nobody answered within {hours:g} hours"
            if not by
            else approval.get("why") or f"rejected by {by}"
        )
        return refused(won, why, approval=approval)
    if (now := champion(entries)) != won.champion:
        then = f"v{won.champion}" if won.champion else "none"
        why = f"v{now} has become champion since; this one was judged against {then}"
        return refused(won, why, approval=approval)
    return None


def refused(won: Won, why: str, **about: Any) -> Rejected:
    """Refuse a challenger that has won: a person said no, or its refit is not what was judged."""
    same = {
        name: getattr(won, name) for name in ("run", "mlflow_run", "evaluated", "champion", "line", "recipe", "facts")
    }
    return Rejected(key=f"rejected:{won.evaluated}", reason=why, **{**same, **about})


def promoted(won: Won, version: str, **about: Any) -> Promoted:
    """Make a challenger that has won champion.

    about: what is deployed, of which data, and at what cost. What its first look has taught is in the ledger already.
    """
    same = {name: getattr(won, name) for name in won.model_fields_set - _OWN}
    return Promoted(
        version=version, replaces=won.champion, **{**same, "first": None, "key": f"promoted:{won.evaluated}", **about}
    )


def champion(entries: Entries) -> str | None:
    """Return the version that is champion; None where there is none yet."""
    changes = (entry.version for entry in reversed(entries) if entry.kind in ("promoted", "rolled_back"))
    return next(changes, None)


def evaluated(entries: Entries, version: str) -> str | None:
    """Return the run that a version was judged by; None where the ledger has no promotion of it."""
    return next((each.evaluated for each in only(entries, Promoted) if each.version == version), None)


def judged(entries: Entries, run: str) -> Judged | None:
    """Return what the first look at a run has decided; None where it was never judged."""
    return next((entry for entry in only(entries, Judged) if entry.evaluated == run), None)


def verdict(entry: Judged) -> Verdict:
    """Say in a word what an entry has decided."""
    return "reject" if isinstance(entry, Rejected) else "wait" if isinstance(entry, Waiting) else "promote"


def won(entries: Entries, run: str) -> Won | None:
    """Return the win of a run that is to be promoted; None where it has not won, or nothing is left to be done."""
    return next((win for win in pending(entries) if win.evaluated == run), None)


def answered(entries: Entries, run: str) -> Answered | None:
    """Return what a person has answered about a run; None where nobody has."""
    return next((entry for entry in only(entries, Answered) if entry.mlflow_run == run), None)


def unanswered(entries: Entries) -> list[ApprovalAsked]:
    """Return the questions that wait for a person, oldest first."""
    waiting = {win.evaluated for win in pending(entries)} - {each.mlflow_run for each in only(entries, Answered)}
    return [each for each in only(entries, ApprovalAsked) if each.mlflow_run in waiting]


def approval(entry: Answered) -> dict[str, Any]:
    """Return an answer as a promotion, or a refusal, holds it."""
    said = {"answer": entry.answer, "by": entry.responder, "known": entry.known, "at": entry.at, "night": entry.night}
    return {**said, "why": entry.reason}


def pending(entries: Entries) -> list[Won]:
    """Return the wins whose promotion has not come to an end, oldest first."""
    found: dict[str, Won] = {}
    for entry in entries:
        if entry.kind == "won":
            found[entry.evaluated] = entry
        elif entry.kind in ("promoted", "rejected"):
            found.pop(entry.evaluated, None)
        elif entry.kind == "left":
            found.pop(entry.mlflow_run, None)
    return list(found.values())


def admitted(admission: retrain.Admission, day: str, champion: str) -> tuple[Entry, ...]:
    """Write down that a night asks for a retraining, or that bad data forbade it; nothing where it waits."""
    about = {"partition": day, "evidence": admission.key, "champion": champion, "reason": admission.reason}
    if admission.verdict == "retrain":
        return (Requested(key=f"requested:{day}", **about),)
    return (Vetoed(key=f"vetoed:{day}", **about),) if admission.verdict == "veto" else ()


def _won(loop: Loop, about: Mapping[str, Any]) -> tuple[Won, *tuple[ApprovalAsked, ...]]:
    """Let a challenger have won; ask a person where the contract wants one."""
    found = Won(key=f"won:{about['mlflow_run']}", **about)
    if not loop.gate.approval:
        return (found,)
    run = found.mlflow_run
    question = {"run": found.run, "mlflow_run": run, "approvers": loop.gate.approval, "reason": asked(found)}
    return found, ApprovalAsked(key=f"approval_asked:{run}", **question)


def asked(won: Won) -> str:
    """Say what a person is to approve: nothing is promoted yet."""
    return f"to be promoted: {won.reason.removeprefix('promoted: ')}"


def _replaced(challenger: shadows.Challenger | Won) -> Left:
    return left(challenger, f"the champion that it was measured against, v{challenger.champion}, was replaced")


def left(challenger: shadows.Challenger | Won, why: str) -> Left:
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
        "model": training.evaluation.model,
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
