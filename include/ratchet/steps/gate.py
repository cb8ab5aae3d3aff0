"""Gate: take the first look at a challenger; promote it, refuse it, or let it wait in shadow.

What is not promoted is written down.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import duel, lifecycle
from ratchet.decisions import gate as decisions
from ratchet.lifecycle import dataset, evidence, ledger
from ratchet.reports import decision as report
from ratchet.steps import StepRequest, StepResult, evaluate

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

VERDICT = "ratchet.verdict"
REASON = "ratchet.verdict_reason"
LINE = "ratchet.line"  # the hypothesis that the run belongs to
FACTS = "ratchet.facts"  # numbers of the decision, for the ledger


class GateRequest(StepRequest):
    """Which challenger to judge."""

    run: str  # the key of this training
    mlflow_run: str = ""  # the run that was evaluated; by default the one of that key


class GateResult(StepResult):
    """What the first look has decided."""

    run: str  # the key of this training
    mlflow_run: str  # the run that was judged
    verdict: duel.Verdict  # promote, reject or wait
    difference: float | None = None  # challenger's loss less champion's ...
    low: float | None = None  # ... with its confidence sequence, from low ...
    high: float | None = None  # ... to high
    days: int = 0  # of the evidence
    report: str | None = None  # the page about the decision
    summary: str = ""  # the same in Markdown, for a person to approve


def run(loop: Loop, request: GateRequest) -> GateResult:
    """Judge by the stored evaluation, once a run: a second call gives the verdict of the first."""
    registry = dataset.registry()
    with runs.connected() as client:
        mlflow_run = request.mlflow_run or runs.trained_run(client, loop.name, request.run)
        training = evaluate.judged(client, request.run, mlflow_run)
        found = training.evaluation
        with registry.writer() as writer:
            gathered = partial(evidence.read, client)
            look = lifecycle.first_look(loop, registry.ledger(loop.name), training, gathered, catalog.checks(loop))
            decision = look.decision
            evidence.write(client, mlflow_run, found["champion"], look.days)
            page = report.decision(loop, client, mlflow_run, decision, look.days, found, "first look")
            for entry in look.entries:
                ledger.write(writer, loop, entry)
        settle(client, mlflow_run, look.line, decision)
    shown = decision.evidence
    return GateResult(
        reason=decision.reason,
        run=request.run,
        mlflow_run=mlflow_run,
        verdict=decision.verdict,
        report=page,
        difference=shown.difference if shown else None,
        low=shown.low if shown else None,
        high=shown.high if shown else None,
        days=shown.clusters if shown else 0,
        summary=report.markdown(loop, mlflow_run, decision),
    )


def settle(client: Tracking, run: str, line: str, decision: decisions.Decision) -> None:
    """Leave the verdict with the run, for `refit` and `promote`."""
    for tag, value in (
        (LINE, line),
        (FACTS, json.dumps(decisions.facts(decision))),
        (REASON, decision.reason),
        (VERDICT, decision.verdict),
    ):
        client.set_tag(run, tag, value)
