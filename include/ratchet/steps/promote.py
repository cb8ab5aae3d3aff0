"""Promote: register the challenger once, write the promotion down, and make it the champion."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import acts, lifecycle
from ratchet.decisions.entries import ApprovalAsked, Entry, Judged, Left, Promoted, Rejected, Won, only
from ratchet.errors import RequestError
from ratchet.lifecycle import ledger, nights, production
from ratchet.steps import StepRequest, StepResult, gate, snapshot


class PromoteRequest(StepRequest):
    """Which challenger to promote."""

    run: str  # the key of this training
    mlflow_run: str = ""  # the run that the gate judged; by default the one of that key
    # Where a person had to answer, what was answered, as JSON: `answer` (Approve or Reject), `by`, `at`.
    approval: str = ""


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
        judged = request.mlflow_run or runs.trained_run(client, loop.name, request.run)
        won, done = production.act(loop, client, partial(_promote, now, request, judged))
    if isinstance(done, Promoted) and won is None:
        said = f"already promoted as v{done.version}"
        return PromoteResult(reason=said, outcome="unchanged", mlflow_run=judged, version=done.version)
    if not isinstance(done, Promoted):
        about = (each for each in reversed(ledger.read(loop)) if _is_about(each, judged))
        return PromoteResult(reason=next(about).reason, outcome="skipped", mlflow_run=judged)
    replaced = f", replacing v{done.replaces}" if done.replaces else ""
    reason = f"v{done.version} is the champion{replaced}: {done.reason}"
    return PromoteResult(reason=reason, mlflow_run=judged, version=done.version)


def _promote(
    now: Loop, request: PromoteRequest, judged: str, world: production.Production
) -> tuple[Won | None, Promoted | Rejected | None]:
    """Return what had won, and what came of it. now: the loop by the contract of now."""
    entries = world.entries()
    if lifecycle.judged(entries, judged) is None:
        raise RequestError(f"The run {judged} has not passed the gate. Run: ratchet step gate --loop {now.name} …")
    won = lifecycle.won(entries, judged)
    if won:
        world.loop = world.loop.model_copy(update={"gate": gate.rules(now, won)})
    return won, acts.promote(world, world.loop, judged, _approval(world, request) if won else None)


def _is_about(entry: Entry, judged: str) -> bool:
    return (isinstance(entry, Judged) and entry.evaluated == judged) or (
        isinstance(entry, Left) and entry.mlflow_run == judged
    )


def _approval(world: production.Production, request: PromoteRequest) -> dict[str, Any] | None:
    """Read a person's answer; add the night that is the first to know it. Who was asked for one has to have it."""
    loop = world.loop
    asked = any(each.run == request.run for each in only(world.entries(), ApprovalAsked))
    if not asked and not request.approval:
        return None
    try:
        given = json.loads(request.approval)
        night = nights.present(world.writer.registry, loop.name)
        return {"answer": given["answer"], "by": given.get("by"), "at": given.get("at"), "night": night}
    except (ValueError, KeyError, TypeError):
        raise RequestError(
            f"{loop.name} is promoted by approval, and nobody has answered for {request.run!r}. "
            "Answer in the Airflow UI (Required actions), or "
            """give --approval '{"answer": "Approve", "by": "your name"}'"""
        ) from None
