"""Promote: register the challenger once, write the promotion down, and make it the champion."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import acts, lifecycle
from ratchet.decisions.entries import ApprovalAsked, Promoted, Rejected, Won, only
from ratchet.errors import RequestError
from ratchet.lifecycle import ledger, production, verdicts
from ratchet.steps import Key, MlflowRun, StepRequest, StepResult, gate, snapshot


class PromoteRequest(StepRequest):
    """Which challenger to promote."""

    run: Key = Field(description="The key of this training.")
    mlflow_run: MlflowRun = Field(
        default="", description="The run that the gate judged; by default the one of that key."
    )


class PromoteResult(StepResult):
    """What was promoted."""

    mlflow_run: str  # of the model that was judged
    version: str | None = None  # of the registered model; none where the gate rejected it


def run(loop: Loop, request: PromoteRequest) -> PromoteResult:
    """Promote what has won. Register, ledger, alias: each is done once, so that a retry completes them.

    The registry's writer lock is held throughout, so that two trainings cannot promote at once.
    """
    now, loop = loop, snapshot.contract(loop, request.run)
    with runs.connected() as client:
        judged = verdicts.judged(loop, request.run, request.mlflow_run)
        won, done = production.act(loop, client, partial(_promote, now, request, judged))
    if isinstance(done, Promoted) and won is None:
        said = f"already promoted as v{done.version}"
        return PromoteResult(reason=said, outcome="unchanged", mlflow_run=judged, version=done.version)
    if not isinstance(done, Promoted):
        return PromoteResult(reason=verdicts.said(ledger.read(loop), judged), outcome="skipped", mlflow_run=judged)
    replaced = f", replacing v{done.replaces}" if done.replaces else ""
    reason = f"v{done.version} is the champion{replaced}: {done.reason}"
    return PromoteResult(reason=reason, mlflow_run=judged, version=done.version)


def _promote(
    now: Loop, request: PromoteRequest, judged: str, world: production.Production
) -> tuple[Won | None, Promoted | Rejected | None]:
    """Return what had won, and what came of it. now: the loop by the contract of now."""
    won = lifecycle.won(world.entries(), judged)
    if won:
        world.loop = world.loop.model_copy(update={"gate": gate.rules(now, won)})
    return won, acts.promote(world, world.loop, judged, _approval(world, request, judged) if won else None)


def _approval(world: production.Production, request: PromoteRequest, judged: str) -> dict[str, Any] | None:
    """Return what a person has answered, as the ledger has it; None where nobody was asked.

    Raises RequestError where somebody was, and has not answered.
    """
    entries = world.entries()
    if not any(each.run == request.run for each in only(entries, ApprovalAsked)):
        return None
    found = lifecycle.answered(entries, judged)
    if found is None:
        raise RequestError(
            f"{world.loop.name} is promoted by approval, and nobody has answered for {request.run!r}. Answer in the "
            f"Airflow UI (Required actions), or: ratchet approve {world.loop.name} {request.run}"
        )
    return lifecycle.approval(found)
