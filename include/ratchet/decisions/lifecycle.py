"""What has become of a loop's models, read from its ledger; and how a win goes on: refused, approved, promoted.

What a challenger's first look, and a night, decide is in `looks.py`. Nothing here knows a file, a clock or a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.decisions import gate, retrain, shadows, worth
from ratchet.decisions.duel import Verdict
from ratchet.decisions.entries import (
    Answered,
    ApprovalAsked,
    Delayed,
    Entries,
    Entry,
    Judged,
    Left,
    Promoted,
    Rejected,
    Requested,
    Vetoed,
    Waiting,
    Won,
    only,
)
from ratchet.decisions.evaluation import Evaluation
from ratchet.partitions import shift

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


@dataclass(frozen=True)
class Training:
    """A training that is judged."""

    run: str  # its key
    mlflow_run: str  # of the model that is judged
    recipe: str
    evaluation: Evaluation
    minutes: float | None = None


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
        name: getattr(won, name)
        for name in ("run", "mlflow_run", "evaluated", "champion", "line", "terms", "debt", "recipe", "facts")
    }
    return Rejected(key=f"rejected:{won.evaluated}", reason=why, **{**same, **about})


def delayed(won: Won, why: str, checks: Sequence[str]) -> Delayed:
    """Let the refit of a challenger that has won wait for a night that measures it again."""
    key = f"delayed:{won.evaluated}"
    return Delayed(key=key, run=won.run, mlflow_run=won.evaluated, delayed=tuple(checks), reason=why)


def promoted(won: Won, version: str, **about: Any) -> Promoted:
    """Make a challenger that has won champion.

    about: what is deployed, of which data, and at what cost. What its first look has taught is in the ledger already.
    """
    same = {name: getattr(won, name) for name in won.model_fields_set - _OWN}
    same["reason"] = f"promoted: {worth.promoted(_found(won))}"
    return Promoted(
        version=version, replaces=won.champion, **{**same, "first": None, "key": f"promoted:{won.evaluated}", **about}
    )


def champion(entries: Entries) -> str | None:
    """Return the version that is champion; None where there is none yet, or it is lost and none before it is left."""
    for entry in reversed(entries):
        if entry.kind in ("promoted", "rolled_back"):
            return entry.version
        if entry.kind == "lost" and entry.vacant:
            return None
    return None


def evaluated(entries: Entries, version: str) -> str | None:
    """Return the run that a version was judged by; None where the ledger has no promotion of it."""
    found = promotion(entries, version)
    return found.evaluated if found else None


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


def asked(won: Won) -> str:
    """Say what a person is to approve: nothing is promoted yet."""
    return f"to be promoted: {_found(won)}"


def _found(won: Won) -> str:
    """Return what a win's reason says of the evidence; a win of before says that it is promoted."""
    return won.reason.removeprefix(f"{gate.WON}: ").removeprefix("promoted: ")


def left(challenger: shadows.Challenger | Won, why: str) -> Left:
    """Let a challenger go that waits no longer."""
    return Left(
        key=f"left:{challenger.mlflow_run}",
        run=challenger.run,
        mlflow_run=challenger.mlflow_run,
        champion=challenger.champion,
        reason=why,
    )


def rested_on(loop: Loop, entries: Entries, version: str) -> str:
    """Return the last day that the promotion of a version may have rested on, or been fitted on; empty without one."""
    found = promotion(entries, version)
    judged = [each for each in only(entries, Judged) if found and each.evaluated == found.evaluated]
    nights = [shift(each.night, -loop.label_delay_days) for each in judged if each.night]
    return max([*nights, *(each.day for each in judged)], default="")


def promotion(entries: Entries, version: str) -> Promoted | None:
    """Return the promotion of a version; None where the ledger has none."""
    return next((each for each in only(entries, Promoted) if each.version == version), None)


def before(entries: Entries, run: str) -> Entries:
    """Return the ledger as it was before a run was first judged."""
    judged = (i for i, entry in enumerate(entries) if isinstance(entry, Judged) and entry.evaluated == run)
    return entries[: next(judged, len(entries))]
