"""Duel: look at the evidence that the night has added.

Promote a challenger that waits, send it away, or turn back to the predecessor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions import duel, lifecycle
from ratchet.decisions import gate as decisions
from ratchet.decisions.entries import RolledBack, only
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, evidence, ledger, nights
from ratchet.reports import decision as report
from ratchet.steps import StepRequest, StepResult, drift, evaluate, gate, performance

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
        result = _look(loop, client, champion, measured, request.partition)
    if result.verdict != "wait":
        write_text(path, result.model_dump_json())
    return result


def _look(
    loop: Loop, client: Tracking, champion: models.Version, measured: performance.PerformanceResult, night: str
) -> DuelResult:
    """Look at the evidence of all duels, and carry out what it has decided."""
    registry, scale = dataset.registry(), measured.holdout_loss or 1.0
    gathered = cache(partial(evidence.read, client))  # each is read once, and only of who is judged
    judged = cache(lambda each: evaluate.judged(client, each.run, each.mlflow_run))
    shadowed = duel.load(measured.predecessor)
    with registry.writer() as writer:
        entries = registry.ledger(loop.name)
        found = lifecycle.night(
            loop, entries, night, champion.number, scale, shadowed, judged, gathered, catalog.checks(loop)
        )
        if found.predecessor and found.predecessor.verdict == "promote":
            return _turn_back(writer, loop, client, champion, found, shadowed, night)
        pages = {}
        for each, decision in found.looks:
            if decision.verdict == "reject" or each == found.winner:
                about = judged(each).evaluation
                days = gathered(each.mlflow_run)
                pages[each] = report.decision(loop, client, each.mlflow_run, decision, days, about, f"night of {night}")
                gate.settle(client, each.mlflow_run, each.line, decision)
        for entry in found.entries:
            ledger.write(writer, loop, entry)
    reasons = [*([found.said] if found.said else []), *(f"{each.run}: {look.reason}" for each, look in found.looks)]
    if found.winner is None:
        return DuelResult(reason="; ".join(reasons) or "nobody waits in shadow", partition=night)
    decision = dict(found.looks)[found.winner]
    return DuelResult(
        reason=decision.reason,
        partition=night,
        verdict="promote",
        run=found.winner.run,
        mlflow_run=found.winner.mlflow_run,
        report=pages[found.winner],
        summary=report.markdown(loop, found.winner.mlflow_run, decision),
    )


def _turn_back(
    writer: Writer,
    loop: Loop,
    client: Tracking,
    champion: models.Version,
    found: lifecycle.Night,
    shadowed: Sequence[duel.Cluster],
    night: str,
) -> DuelResult:
    """Make the predecessor champion again: the page, the entry, the alias."""
    (entry,) = only(found.entries, RolledBack)
    restored = models.version(client, loop.name, entry.version)
    decision = decisions.Decision(
        "promote", entry.reason, (), found.predecessor.evidence if found.predecessor else None
    )
    page = report.decision(loop, client, champion.run_id, decision, shadowed, None, f"rollback on {night}")
    ledger.write(writer, loop, entry.model_copy(update={"mlflow_run": restored.run_id}))
    models.set_champion(client, restored)
    return DuelResult(
        reason=entry.reason,
        partition=night,
        verdict="rollback",
        version=entry.version,
        mlflow_run=champion.run_id,
        report=page,
        summary=report.markdown(loop, champion.run_id, decision),
    )
