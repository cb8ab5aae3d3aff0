"""Gate: take the first look at a challenger; let it win, refuse it, or let it wait in shadow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet import catalog
from ratchet.adapters import deleted, runs
from ratchet.contract.loop import Loop
from ratchet.contract.rules import Gate
from ratchet.decisions import acts, anchors, checks, duel, lifecycle, needed
from ratchet.decisions.checks.check import Check
from ratchet.decisions.entries import Against, Entry, Judged, Won, only
from ratchet.decisions.looks import FirstLook
from ratchet.lifecycle import dataset, evaluations, evidence, nights, production, records
from ratchet.reports import decision as report
from ratchet.steps import Key, MlflowRun, StepRequest, StepResult, snapshot

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

LOOK = "first look"
VERDICT = "ratchet.verdict"  # tags of a run, for people to read: what decides stands in the ledger
REASON = "ratchet.verdict_reason"


class GateRequest(StepRequest):
    """Which challenger to judge."""

    run: Key = Field(description="The key of this training.")
    mlflow_run: MlflowRun = Field(default="", description="The run that was evaluated; by default the one of that key.")


class GateResult(StepResult):
    """What the first look has decided."""

    run: str  # the key of this training
    mlflow_run: str  # the run that was judged
    verdict: duel.Verdict  # promote, reject or wait
    against: str = ""  # with whom its duel is: the champion or, of a first model, the baseline
    difference: float | None = None  # challenger's loss less theirs ...
    low: float | None = None  # ... with its confidence sequence, from low ...
    high: float | None = None  # ... to high
    days: int = 0  # of the evidence
    report: str | None = None  # the page about the decision
    summary: str = ""  # the same in Markdown, for a person to approve


def run(loop: Loop, request: GateRequest) -> GateResult:
    """Judge by the stored evaluation, once a run: a second call gives the verdict of the first."""
    loop = snapshot.contract(loop, request.run)
    with runs.connected() as client:
        mlflow_run = records.trained_run(loop, request.run, request.mlflow_run)

        def look(world: production.Production) -> tuple[acts.Look, Judged]:
            found = acts.look(world, loop, mlflow_run, catalog.checks(loop))
            return found, [each for each in only(world.entries(), Judged) if each.evaluated == mlflow_run][-1]

        found, latest = production.act(loop, client, look, partial(_rests, loop, client))
        entry = found.entry
        settle(client, mlflow_run, lifecycle.verdict(latest), latest.reason)
        shown = _checks(loop, found)
    against = "" if entry.difference is None else "the champion"
    fought: Judged | Against = entry
    if entry.difference is None and entry.against:
        against, fought = anchors.shown(entry.against.name), entry.against
    return GateResult(
        reason=entry.reason,
        outcome="done" if found.taken else "unchanged",
        run=request.run,
        mlflow_run=mlflow_run,
        verdict=found.verdict,
        report=report.path(mlflow_run, LOOK),
        against=against,
        difference=fought.difference,
        low=fought.low,
        high=fought.high,
        days=fought.clusters or 0,
        summary=report.markdown(loop, mlflow_run, found.verdict, entry.reason, shown),
    )


def _checks(loop: Loop, found: acts.Look) -> Sequence[Check]:
    if found.taken:
        return found.taken.decision.checks
    return listed(loop, found.entry.evaluated)


def listed(loop: Loop, run: str) -> Sequence[Check]:
    """List the checks of a run that was judged before."""
    return checks.every(loop.gate, evaluations.read(loop, run).model_dump(), catalog.checks(loop))


def rules(loop: Loop, won: Won) -> Gate:
    """Return the rules that a win is carried on by: those that have decided it, a night's or its training's own."""
    if won.night:
        return nights.contract(dataset.registry(), loop, won.night).gate
    return snapshot.contract(loop, won.run).gate


def settle(client: Tracking, run: str, verdict: duel.Verdict, reason: str) -> None:
    """Leave the verdict with the run, for people to read."""
    with deleted.copying(run):
        client.set_tag(run, REASON, reason)
        client.set_tag(run, VERDICT, verdict)


def _rests(loop: Loop, client: Tracking, entry: Entry, decided: acts.Decided) -> dict[str, str]:
    """Say what the first look rests on: the evaluation, the days of the duel, and the page about it."""
    if not (isinstance(decided, FirstLook) and isinstance(entry, Judged)):
        return {}
    run, about = entry.evaluated, evaluations.read(loop, entry.evaluated)
    held, of, told = decided.evidence, records.read(loop, run), ""
    if entry.terms:
        past = evidence.past(loop, dataset.registry()) | {run: held}
        told = needed.words(loop, needed.needed(loop, entry.terms, needed.past(past.values())))
    page = report.decision(loop, client, of, decided.decision, held, about, LOOK, told)
    days = evidence.text(about.champion, held)
    return {"evaluation.json": evaluations.text(loop, run), "evidence.json": days, "report.html": page}
