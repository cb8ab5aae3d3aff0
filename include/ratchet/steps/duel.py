"""Duel: look at the evidence that the night has added.

Promote a challenger that waits, send it away, or turn back to the predecessor.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions import checks, duel, hypothesis, shadows
from ratchet.decisions import gate as decisions
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, evidence, ledger, nights
from ratchet.partitions import days_between
from ratchet.reports import decision as report
from ratchet.steps import StepRequest, StepResult, drift, evaluate, gate, performance, train

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Writer
    from ratchet.adapters.runs import Tracking


class DuelRequest(StepRequest):
    """Which night to look at."""

    partition: str  # the night whose performance was measured


class DuelResult(StepResult):
    """What the night's evidence has decided."""

    partition: str  # the night
    verdict: Literal["promote", "rollback", "wait"] = "wait"  # of a challenger; to the predecessor; neither yet
    run: str = ""  # of promote: the key of the training that is to be promoted
    mlflow_run: str = ""  # of promote: the run that was judged
    version: str | None = None  # of rollback: the version that was restored
    report: str | None = None  # the page about the decision
    summary: str = ""  # the same in Markdown


def run(loop: Loop, request: DuelRequest) -> DuelResult:
    """Look once a night: a night that has decided gives the same answer again.

    Raises DataError where it was not measured.
    """
    path = drift.folder(loop, request.partition) / "duel.json"
    if path.exists():
        return DuelResult.model_validate_json(path.read_text(encoding="utf-8")).model_copy(
            update={"outcome": "unchanged"}
        )
    if not nights.may_decide(dataset.registry(), loop.name, request.partition):
        reason = f"no duel: the night of {request.partition} is over, and later nights have begun"
        return DuelResult(reason=reason, outcome="unchanged", partition=request.partition)
    measured = performance.read(loop, request.partition)
    if measured is None:
        raise DataError(
            f"The monitor has not measured {loop.name} {request.partition}. "
            "Run the step performance of that night first"
        )
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None or champion.number != measured.champion:
            return DuelResult(
                reason="no duel: the champion has changed since this night was measured", partition=request.partition
            )
        turned = _predecessor(loop, client, champion, measured, request.partition)
        result = (
            turned
            if turned.verdict == "rollback"
            else _challengers(loop, client, champion, measured, request.partition, turned.reason)
        )
    if result.verdict != "wait":
        write_text(path, result.model_dump_json())
    return result


def _predecessor(
    loop: Loop, client: Tracking, champion: models.Version, measured: performance.PerformanceResult, night: str
) -> DuelResult:
    """Exchange the roles: is the predecessor better than what has replaced it? Then it is champion again."""
    registry = dataset.registry()
    before = shadows.predecessor(registry.ledger(loop.name))
    if before is None:
        return DuelResult(reason="", partition=night)
    days = duel.load(measured.predecessor)
    scale = measured.holdout_loss or 1.0
    judged = duel.judge(
        hypothesis.grouped(loop, days), margin=0.0, bound=hypothesis.bound(loop, scale), level=loop.gate.level
    )
    found = decisions.words(judged, loop.gate.cluster)
    if judged.verdict == "promote":
        reason = f"rolled back: the predecessor v{before.version} does better than v{champion.number}: {found}"
        decision = decisions.Decision("promote", reason, (), judged)
        page = report.decision(loop, client, champion.run_id, decision, days, None, f"rollback on {night}")
        numbers = decisions.facts(decision)
        ledger.rollback(
            loop,
            reason,
            to=before.version,
            key=f"rolled_back:{champion.number}:{night}",
            automatic=True,
            partition=night,
            **numbers,
        )
        return DuelResult(
            reason=reason,
            partition=night,
            verdict="rollback",
            version=before.version,
            mlflow_run=champion.run_id,
            report=page,
            summary=report.markdown(loop, champion.run_id, decision),
        )
    why = ""
    if judged.verdict == "reject":
        why = f"v{before.version} is beaten by what replaced it: {found}"
    elif before.since and days_between(before.since, night) > loop.gate.patience_days:
        why = f"v{before.version} is out of time after {loop.gate.patience_days} days: {found}"
    if why:
        with registry.writer() as writer:
            entry = {
                "kind": "released",
                "version": before.version,
                "champion": champion.number,
                "partition": night,
                "reason": why,
            }
            ledger.write(
                writer,
                loop,
                f"released:{before.version}:{before.since}",
                entry,
                f"Let v{before.version} of {loop.name} go",
            )
    return DuelResult(reason=why or f"predecessor v{before.version}: {found}", partition=night)


def _challengers(
    loop: Loop,
    client: Tracking,
    champion: models.Version,
    measured: performance.PerformanceResult,
    night: str,
    said: str,
) -> DuelResult:
    """Judge each challenger that waits; the first to win is promoted tonight, the others go on waiting."""
    registry = dataset.registry()
    reasons = [said] if said else []
    won: DuelResult | None = None
    with registry.writer() as writer:
        entries = registry.ledger(loop.name)
        waiting = shadows.challengers(entries)
        gone = shadows.leaving(waiting, None, loop.gate.shadows, loop.gate.patience_days, night)
        for each in waiting:
            if each.champion != champion.number:
                ledger.leave(
                    writer, loop, each, f"the champion that it was measured against, v{each.champion}, was replaced"
                )
                continue
            days = evidence.read(client, each.mlflow_run)
            judged = hypothesis.judge(loop, entries, each.line, days, measured.holdout_loss or 1.0)
            found = json.loads(runs.read_file(client, each.mlflow_run, evaluate.FILE))
            decision = decisions.decide(
                checks.every(loop.gate, found, False, catalog.checks(loop)), judged, loop.gate.cluster
            )
            if decision.verdict == "reject":
                report.decision(loop, client, each.mlflow_run, decision, days, found, f"night of {night}")
                _hold(writer, loop, client, each, decision, champion)
            elif decision.verdict == "promote" and won is None:
                page = report.decision(loop, client, each.mlflow_run, decision, days, found, f"night of {night}")
                gate.settle(client, each.mlflow_run, each.line, decision)
                won = DuelResult(
                    reason=decision.reason,
                    partition=night,
                    verdict="promote",
                    run=each.run,
                    mlflow_run=each.mlflow_run,
                    report=page,
                    summary=report.markdown(loop, each.mlflow_run, decision),
                )
            elif each.mlflow_run in gone:
                ledger.leave(writer, loop, each, gone[each.mlflow_run])
            reasons.append(f"{each.run}: {decision.reason}")
    return won or DuelResult(reason="; ".join(reasons) or "nobody waits in shadow", partition=night)


def _hold(
    writer: Writer,
    loop: Loop,
    client: Tracking,
    each: shadows.Challenger,
    decision: decisions.Decision,
    champion: models.Version,
) -> None:
    recipe = client.tags(each.mlflow_run)[train.RECIPE]
    entry: dict[str, Any] = {
        "kind": "rejected",
        "run": each.run,
        "mlflow_run": each.mlflow_run,
        "evaluated": each.mlflow_run,
        "champion": champion.number,
        "line": each.line,
        "recipe": recipe,
        "reason": decision.reason,
        **decisions.facts(decision),
    }
    gate.settle(client, each.mlflow_run, each.line, decision)
    ledger.write(writer, loop, f"rejected:{each.mlflow_run}", entry, f"Send a challenger of {loop.name} away")
