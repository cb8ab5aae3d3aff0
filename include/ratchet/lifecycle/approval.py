"""What a person says to a promotion: written down once. The ledger alone is asked whether somebody has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ratchet import environment
from ratchet.adapters import writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.contract.rules import ANYBODY
from ratchet.decisions import lifecycle
from ratchet.decisions.entries import Answered, ApprovalAsked, only
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger, nights, records, verdicts

_PAST = {"Approve": "approved", "Reject": "rejected"}


@dataclass(frozen=True)
class Said:
    """An answer as it reached us: by whom, and how that is known."""

    answer: Literal["Approve", "Reject"]
    by: str = ""  # a login; empty where nobody has answered
    known: Literal["airflow", "system", "claimed", ""] = ""


def record(loop: Loop, key: str, said: Said) -> tuple[Answered, bool]:
    """Write an answer down, once; return the one that stands, and whether it is new. The first one stays.

    Who has asked for a training cannot approve it. Raises RequestError where nothing is asked.
    """
    judged = verdicts.judged(loop, key)
    asker = records.read(loop, judged).asked_by
    why = _why_not(loop, key, said, asker)
    claimed = f", as {environment.user()} says" if said.known == "claimed" else ""
    answer = Answered(
        key=f"answered:{judged}",
        run=key,
        mlflow_run=judged,
        answer="Reject" if why else said.answer,
        responder=said.by,
        known=said.known,
        asked_by=asker,
        reason=why or f"{_PAST[said.answer]} by {said.by}{claimed}",
        night=nights.present(dataset.registry(), loop.name),
    )

    def act(writer: Writer) -> tuple[Answered, bool]:
        entries = writer.registry.ledger(loop.name)
        before = lifecycle.answered(entries, judged)
        if before:
            return before, False
        if lifecycle.won(entries, judged) is None:
            raise RequestError(f"There is no question about {key} of {loop.name}: {verdicts.said(entries, judged)}")
        ledger.write(writer, loop, [answer])
        return answer, True

    return writing.change(dataset.registry(), act)


def approvers(loop: Loop, key: str) -> tuple[str, ...]:
    """Return the logins that may approve: those that the contract names now, or named when the question came up."""
    asked = [each for each in only(ledger.read(loop), ApprovalAsked) if each.run == key]
    return loop.gate.approval or (asked[-1].approvers if asked else ())


def _why_not(loop: Loop, key: str, said: Said, asker: str) -> str:
    """Say why a yes is none; nothing where it is one."""
    who = approvers(loop, key)
    if not said.by:
        return "nobody answered in time"
    if said.answer == "Reject":
        return ""
    if who != (ANYBODY,) and said.by not in who:
        return f"{said.by} has answered, whom gate.approval does not name"
    if said.by == asker:
        return f"{said.by} has asked for the training, and may not approve it"
    return ""
