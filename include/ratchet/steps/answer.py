"""Answer: write down what a person says to a promotion, at the command line. In Airflow an operator does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ratchet import environment
from ratchet.contract.loop import Loop
from ratchet.contract.rules import ANYBODY
from ratchet.errors import RequestError
from ratchet.lifecycle import approval
from ratchet.steps import Key, Outcome, StepRequest, StepResult

Login = Annotated[str, StringConstraints(pattern=r"^[\w.@+-]{1,64}$"), Field(title="a login")]


class AnswerRequest(StepRequest):
    """What is answered, at the command line."""

    run: Key = Field(description="The key of the training.")
    answer: Literal["Approve", "Reject"] = Field(description="What is answered.")
    by: Login = Field(
        default="", description="Who says so; by default whom the system knows. Another name is marked as claimed."
    )


class AnswerResult(StepResult):
    """What stands in the ledger."""

    answer: Literal["Approve", "Reject"]
    by: str  # empty where nobody has answered in time


def run(loop: Loop, request: AnswerRequest) -> AnswerResult:
    """Answer for whom the system knows, or for whom is claimed. Raises RequestError where they may not."""
    user = environment.user()
    by = request.by or user
    who = approval.approvers(loop, request.run)
    if who != (ANYBODY,) and by not in who:
        raise RequestError(
            f"{by} may not approve a promotion of {loop.name}; gate.approval names {', '.join(who)}. "
            "Let one of them answer, in Airflow's Required actions"
        )
    said = approval.Said(request.answer, by, "system" if by == user else "claimed")
    found, new = approval.record(loop, request.run, said)
    outcome: Outcome = "done" if new else "unchanged"
    return AnswerResult(reason=found.reason, outcome=outcome, answer=found.answer, by=found.responder)
