"""Promote: register the challenger once, write the promotion down, and make it the champion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions import lifecycle
from ratchet.decisions.entries import Promoted, only
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset, ledger
from ratchet.steps import StepRequest, StepResult, evaluate, gate, refit, train

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


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
    """Promote what the gate let through. Register, ledger, alias: each is done once, so that a retry completes them.

    The registry's writer lock is held throughout, so that two trainings cannot promote at once.
    """
    registry = dataset.registry()
    with runs.connected() as client, registry.writer() as writer:
        judged = request.mlflow_run or runs.trained_run(client, loop.name, request.run)
        tags = client.tags(judged)
        verdict, reason = tags.get(gate.VERDICT), tags.get(gate.REASON, "")
        if verdict is None:
            raise RequestError(f"The run {judged} has not passed the gate. Run: ratchet step gate --loop {loop.name} …")
        before = ledger.champion(client, loop)
        entries = registry.ledger(loop.name)
        if done := next((each for each in only(entries, Promoted) if each.evaluated == judged), None):
            return PromoteResult(
                reason=f"already promoted as v{done.version}",
                outcome="unchanged",
                mlflow_run=judged,
                version=done.version,
            )
        if verdict != "promote":
            return PromoteResult(reason=reason, outcome="skipped", mlflow_run=judged)
        approval = _approval(loop, request)
        training = evaluate.judged(client, request.run, judged)
        present = before.number if before else None
        if no := lifecycle.forbidden(training, present, approval, loop.gate.approval_hours):
            ledger.write(writer, loop, no)
            return PromoteResult(reason=no.reason, outcome="skipped", mlflow_run=judged)
        deployed = judged
        if loop.gate.deploy == "refit":
            deployed = tags.get(refit.REFIT, "")
            if not deployed:
                raise RequestError(
                    f"The run {judged} has no refit yet. Run: ratchet step refit --loop {loop.name} --run {request.run}"
                )
        version = _register(client, loop, judged, deployed, reason)
        data = client.tags(deployed)
        replaced = before.number if before and before.number != version.number else None
        spent = {judged, deployed} - ({judged} if lifecycle.known(entries, judged) else set())
        entry = lifecycle.promoted(
            entries,
            training,
            version.number,
            replaced,
            mlflow_run=deployed,
            approval=approval,
            line=tags.get(gate.LINE, ""),
            because=tags.get("ratchet.reason", ""),
            reason=reason,
            data={name: data.get(f"data.{name}") for name in ("revision", "train", "holdout", "hash")},
            day=data["data.train"].partition("..")[2],
            minutes=train.minutes(client, *spent),
            **json.loads(tags.get(gate.FACTS, "{}")),
        )
        ledger.write(writer, loop, entry)
        models.set_champion(client, version)
    return PromoteResult(
        reason=f"v{version.number} is the champion{f', replacing v{replaced}' if replaced else ''}: {reason}",
        mlflow_run=judged,
        version=version.number,
    )


def _register(client: Tracking, loop: Loop, judged: str, deployed: str, reason: str) -> models.Version:
    """Register what was judged, and its refit where that is what is deployed.

    Tie the two, and give the one to deploy.
    """
    version = models.register(client, loop.name, judged, reason)
    if deployed == judged:
        return version
    evaluated = version
    version = models.register(
        client, loop.name, deployed, f"Refit of v{evaluated.number} on all labelled days. {reason}"
    )
    models.tie(client, version, evaluated)
    return version


def _approval(loop: Loop, request: PromoteRequest) -> dict[str, Any] | None:
    if loop.gate.approval == "none":
        return None
    try:
        given = json.loads(request.approval)
        return {"answer": given["answer"], "by": given.get("by"), "at": given.get("at")}
    except (ValueError, KeyError, TypeError):
        raise RequestError(
            f"{loop.name} is promoted by approval, and nobody has answered for {request.run!r}. "
            "Answer in the Airflow UI (Required actions), or "
            """give --approval '{"answer": "Approve", "by": "your name"}'"""
        ) from None
