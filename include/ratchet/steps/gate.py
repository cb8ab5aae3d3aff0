"""Gate: take the first look at a challenger; promote it, refuse it, or let it wait in shadow.

What is not promoted is written down.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import checks, duel, hypothesis, shadows
from ratchet.decisions import gate as decisions
from ratchet.lifecycle import dataset, evidence, ledger
from ratchet.reports import decision as report
from ratchet.steps import StepRequest, StepResult, evaluate, train

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Writer
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
        tags = client.tags(mlflow_run)
        found = json.loads(runs.read_file(client, mlflow_run, evaluate.FILE))
        with registry.writer() as writer:
            entries = registry.ledger(loop.name)
            line = hypothesis.line(loop, _before(entries, mlflow_run), tags[train.RECIPE], mlflow_run)
            days, carried = _days(client, entries, line, mlflow_run, found)
            judged = None
            if days is not None:
                judged = hypothesis.judge(
                    loop, _before(entries, mlflow_run), line, days, found["champion_loss"] or found["challenger_loss"]
                )
            decision = decisions.decide(
                checks.every(loop.gate, found, carried, catalog.checks(loop)), judged, loop.gate.cluster
            )
            evidence.write(client, mlflow_run, found["champion"], days or [])
            page = report.decision(loop, client, mlflow_run, decision, days or [], found, "first look")
            entry = {
                "run": request.run,
                "mlflow_run": mlflow_run,
                "evaluated": mlflow_run,
                "champion": found["champion"],
                "line": line,
                "recipe": tags[train.RECIPE],
                "reason": decision.reason,
                **decisions.facts(decision),
                "day": max(found["days"]),
                "first": found["first"],
                "minutes": train.minutes(client, mlflow_run),
            }
            if decision.verdict != "promote":
                _write(writer, loop, entries, entry, decision, min(found["days"]))
            elif loop.gate.approval == "required":
                asked = {
                    "kind": "approval_asked",
                    "run": request.run,
                    "mlflow_run": mlflow_run,
                    "reason": decision.reason,
                }
                ledger.write(writer, loop, f"approval_asked:{mlflow_run}", asked, f"Ask for an approval of {loop.name}")
        settle(client, mlflow_run, line, decision)
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


def _days(
    client: Tracking, entries: shadows.Entries, line: str, run: str, found: dict[str, Any]
) -> tuple[list[duel.Cluster] | None, bool]:
    """Return all days of the evidence, and whether some were carried over; None where there is no champion."""
    if found["compared"] is None:
        return None, False
    earlier = evidence.inherited(client, _before(entries, run), line, run)
    last = max((each.key for each in earlier), default="")
    return [*earlier, *(each for each in duel.load(found["compared"]) if each.key > last)], bool(earlier)


def _before(entries: shadows.Entries, run: str) -> shadows.Entries:
    """Return the ledger as it was before this run was first judged.

    A second look at the same then gives the same.
    """
    first = next((i for i, entry in enumerate(entries) if entry.get("evaluated") == run), len(entries))
    return entries[:first]


def _write(
    writer: Writer,
    loop: Loop,
    entries: shadows.Entries,
    entry: dict[str, Any],
    decision: decisions.Decision,
    since: str,
) -> None:
    """Write a refusal, or an entry into the shadows and who leaves it for that."""
    run = entry["mlflow_run"]
    if decision.verdict == "reject":
        ledger.write(
            writer, loop, f"rejected:{run}", {"kind": "rejected", **entry}, f"Reject a challenger of {loop.name}"
        )
        return
    newcomer = shadows.Challenger(entry["run"], run, entry["line"], since, entry["champion"])
    if not ledger.write(
        writer,
        loop,
        f"waiting:{run}",
        {"kind": "waiting", "since": since, **entry},
        f"Let a challenger of {loop.name} wait",
    ):
        return
    waiting = shadows.challengers(entries)
    gone = shadows.leaving(waiting, newcomer, loop.gate.shadows, loop.gate.patience_days, entry["day"])
    for each in waiting:
        if why := gone.get(each.mlflow_run):
            ledger.leave(writer, loop, each, why)
