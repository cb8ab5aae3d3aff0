"""Duel: look at the evidence that the night has added.

Let a challenger that waits win, send it away, or turn back to the predecessor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions import acts, anchors, duel, lifecycle, looks
from ratchet.decisions import gate as decisions
from ratchet.decisions.entries import Anchored, Certified, Entries, Entry, Judged, Released, RolledBack, Won, only
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, evaluations, evidence, explanations, ledger, nights, production, records, timings
from ratchet.lifecycle import looks as kept
from ratchet.partitions import Partition, shift
from ratchet.reports import decision as report
from ratchet.reports import explanation
from ratchet.reports.parties import Back
from ratchet.steps import StepRequest, StepResult, gate, performance

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


class DuelRequest(StepRequest):
    """Which night to look at."""

    partition: Partition = Field(description="The night whose performance was measured.")


class DuelResult(StepResult):
    """What the night's evidence has decided."""

    partition: str  # the night
    verdict: Literal["promote", "rollback", "wait"] = "wait"  # of a challenger; to the predecessor; neither yet
    waiting: tuple[str, ...] = ()  # of wait: the keys of the trainings whose challengers were looked at
    run: str = ""  # of promote: the key of the training that is to be promoted
    mlflow_run: str = ""  # of promote: the run that was judged
    version: str | None = None  # of rollback: the version that was restored
    report: str | None = None  # the page about the decision
    summary: str = ""  # the same in Markdown
    worse: str = ""  # of rollback: in which rows the champion that is left got worse, in a sentence
    explanation: bool = False  # whether there is a page about that


def run(loop: Loop, request: DuelRequest) -> DuelResult:
    """Look once a night: a night that has decided gives the same answer again.

    Raises DataError where it was not measured.
    """
    registry, night = dataset.registry(), request.partition
    loop = nights.contract(registry, loop, night)
    measured = performance.read(loop, night)
    if not _decided(registry.ledger(loop.name), night):
        if not nights.may_decide(registry, loop.name, night):
            reason = f"no duel: the night of {night} is over, and later nights have begun"
            return DuelResult(reason=reason, outcome="unchanged", partition=night)
        if measured is None:
            raise DataError(
                f"The monitor has not measured {loop.name} {night}. Run the step performance of that night first"
            )
        if lifecycle.champion(registry.ledger(loop.name)) != measured.champion:
            reason = "no duel: the champion has changed since this night was measured"
            return DuelResult(reason=reason, partition=night)
    with runs.connected() as client:
        if not _decided(registry.ledger(loop.name), night):
            timings.again(loop, client, night)
        known = _measured(loop, client, night, measured)
        rests = partial(_rests, loop, client, night, known)

        def look(world: production.Production) -> tuple[looks.Night, Entries]:
            before = len(world.entries())
            found = acts.duel(world, loop, night, known, catalog.checks(loop))
            return found, world.entries()[before:]

        found, fresh = production.act(loop, client, look, rests)
        for entry in only(fresh, Judged):
            gate.settle(client, entry.evaluated, lifecycle.verdict(entry), entry.reason)
        return _result(loop, client, registry.ledger(loop.name), found, night)


def _measured(
    loop: Loop, client: Tracking, night: str, measured: performance.PerformanceResult | None
) -> looks.Measured:
    """Return what was measured of the champion, as the duels take it."""
    if measured is None:
        return looks.Measured(1.0)
    registry = dataset.registry()

    def known() -> evidence.Known:
        revision, last = nights.revision(registry, loop, night), shift(night, -loop.label_delay_days)
        return evidence.Known(client, registry, revision, ledger.champion(client, loop), last)

    def best() -> Sequence[duel.Cluster]:
        now = anchors.anchor(registry.ledger(loop.name))
        assert now is not None
        return evidence.against(loop, known(), now.best)

    def valued(run: str) -> Sequence[duel.Cluster]:
        return evidence.valued(loop, known(), run)

    own = duel.Gathered((), measured.anchor, tuple(duel.load(measured.anchored)))
    live = [each[measured.champion]["loss"] for each in measured.days.values() if measured.champion in each]
    scale = measured.holdout_loss or (sum(live) / len(live) if live else 1.0)
    return looks.Measured(scale, tuple(duel.load(measured.predecessor)), own, best, valued)


def _decided(entries: Entries, night: str) -> bool:
    """Say whether a night has decided what cannot be decided again: who wins, or that its predecessor is back."""
    return any(
        (isinstance(each, Won) and each.night == night)
        or (isinstance(each, RolledBack) and each.automatic and each.partition == night)
        for each in entries
    )


def _result(loop: Loop, client: Tracking, entries: Entries, found: looks.Night, night: str) -> DuelResult:
    if back := next(iter(only(found.entries, RolledBack)), None):
        run = _run_of(client, loop, back.left)
        return DuelResult(
            reason=back.reason,
            partition=night,
            verdict="rollback",
            version=back.version,
            mlflow_run=run,
            report=report.path(run, _back(night)),
            summary=report.markdown(loop, run, "promote", back.reason, ()),
            worse=explanation.told(loop, night),
            explanation=explanation.there(loop, night),
        )
    won = found.winner or next((each for each in only(entries, Won) if each.night == night), None)
    if won is None:
        told = [*found.said, *(f"{each.run}: {look.reason}" for each, look in found.looks)]
        waiting = tuple(each.run for each, _ in found.looks)
        return DuelResult(reason="; ".join(told) or "nobody waits in shadow", partition=night, waiting=waiting)
    looked = next((look for each, look in found.looks if each.mlflow_run == won.evaluated), None)
    listed = looked.checks if looked else gate.listed(loop, won.evaluated)
    return DuelResult(
        reason=won.reason,
        partition=night,
        verdict="promote",
        run=won.run,
        mlflow_run=won.evaluated,
        report=report.path(won.evaluated, page_of(won.night) if won.night else gate.LOOK),
        summary=report.markdown(loop, won.evaluated, "promote", won.reason, listed),
    )


def _rests(
    loop: Loop, client: Tracking, night: str, known: looks.Measured, entry: Entry, decided: acts.Decided
) -> dict[str, str]:
    """Say what a night's entry rests on: what was measured, the days of the duel, and the page about it."""
    if not isinstance(decided, looks.Night):
        return {}
    seen = {performance.FILE: kept.read(loop, night, performance.FILE) or ""}
    if isinstance(entry, RolledBack):
        turned = decided.back.evidence if decided.back else None
        decision = decisions.Decision("promote", entry.reason, (), turned)
        left, days = records.read(loop, _run_of(client, loop, entry.left)), _turned(entry.version, known)
        who: Literal["anchor", "predecessor"] = "anchor" if entry.version == known.own.anchor else "predecessor"
        back = Back(who, entry.version, entry.left)
        page = report.decision(loop, client, left, decision, duel.Gathered(days), back, _back(night))
        live = [*performance.history(loop, entry.left, night)]
        explanation.of_night(
            loop, night, entry.left, lambda: explanations.of_champion(loop, client, night, entry.left, live)
        )
        seen |= explanation.files(loop, night)
        return {**seen, "evidence.json": evidence.text(entry.left, duel.Gathered(days)), "report.html": page}
    if isinstance(entry, Released):
        return {**seen, "evidence.json": evidence.text(entry.champion, duel.Gathered(known.shadowed))}
    if isinstance(entry, Certified | Anchored):
        return seen
    look = next((look for each, look in decided.looks if each.mlflow_run == getattr(entry, "evaluated", "")), None)
    if look is None or not isinstance(entry, Judged):
        return {}
    run, held = entry.evaluated, evidence.read(loop, entry.evaluated)
    page = report.decision(
        loop, client, records.read(loop, run), look, held, evaluations.read(loop, run), page_of(night)
    )
    about = {"evaluation.json": evaluations.text(loop, run), "evidence.json": evidence.text(entry.champion, held)}
    return {**seen, **about, "report.html": page}


def _turned(version: str, known: looks.Measured) -> tuple[duel.Cluster, ...]:
    """Return the days by which a night has turned back: of the predecessor's duel, or the anchor's."""
    return tuple(duel.exchange(known.own.anchored)) if version == known.own.anchor else known.shadowed


def _run_of(client: Tracking, loop: Loop, version: str) -> str:
    return models.version(client, loop.name, version).run_id


def page_of(night: str) -> str:
    """Name the page about a night's look at a challenger."""
    return f"night of {night}"


def _back(night: str) -> str:
    return f"rollback on {night}"
