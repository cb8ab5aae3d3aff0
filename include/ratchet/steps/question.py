"""Question: say what a person is to approve, and who may."""

from __future__ import annotations

from pydantic import Field

from ratchet.contract.loop import Loop
from ratchet.decisions import lifecycle
from ratchet.lifecycle import approval, ledger, records, verdicts
from ratchet.reports import decision as report
from ratchet.steps import Key, StepRequest, StepResult, duel, gate


class QuestionRequest(StepRequest):
    """About which challenger."""

    run: Key = Field(description="The key of the training.")


class QuestionResult(StepResult):
    """What is asked. Unchanged where it was answered before; skipped where nothing is to be approved."""

    subject: str = ""
    summary: str = ""  # of the decision, in Markdown
    report: str = ""  # the page about it
    approvers: tuple[str, ...] = ()  # logins
    asked_by: str = ""  # the login of who has asked for the training, and does not approve it
    mlflow_run: str = ""  # that was judged


def run(loop: Loop, request: QuestionRequest) -> QuestionResult:
    """Read from the ledger what is asked: nothing that a person has sent along."""
    judged, entries = verdicts.judged(loop, request.run), ledger.read(loop)
    won = lifecycle.won(entries, judged)
    if won is None:
        return QuestionResult(reason=verdicts.said(entries, judged), outcome="skipped", mlflow_run=judged)
    if found := lifecycle.answered(entries, judged):
        return QuestionResult(reason=f"answered before: {found.reason}", outcome="unchanged", mlflow_run=judged)
    listed = gate.listed(loop, judged)
    return QuestionResult(
        reason=f"asked about {request.run}",
        subject=f"Promote the challenger {request.run} of {loop.name}?",
        summary=report.markdown(loop, judged, "promote", lifecycle.asked(won), listed),
        report=report.path(judged, duel.page_of(won.night) if won.night else gate.LOOK),
        approvers=approval.approvers(loop, request.run),
        asked_by=records.read(loop, judged).asked_by,
        mlflow_run=judged,
    )
