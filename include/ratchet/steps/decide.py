"""Decide: weigh the night's evidence, and ask for a retraining once where it calls for one."""

from __future__ import annotations

import dataclasses
import json

from pydantic import Field

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.decisions import acts, requests, retrain, staleness
from ratchet.decisions.entries import Requested, only
from ratchet.decisions.policies import causes
from ratchet.decisions.policies.facts import NightFacts
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, evaluations, explanations, looks, nights, production, recipes, records
from ratchet.partitions import Partition, shift
from ratchet.reports import explanation
from ratchet.steps import StepRequest, StepResult, drift, performance

FILE = "decision.json"
ALARM = "degradation"  # the policy that is an alarm of loss


class DecideRequest(StepRequest):
    """Which night to decide on."""

    partition: Partition = Field(description="The night whose drift and performance were measured.")


class DecideResult(StepResult):
    """Whether the night asks for a retraining."""

    partition: str  # the night
    verdict: retrain.Verdict  # retrain, wait or veto
    key: str = ""  # of the evidence; the run of the training it asks for is named by it
    champion: str | None = None  # the version that is judged, or none
    worse: str = ""  # on an alarm of loss: in which rows it got worse, in a sentence
    explanation: bool = False  # whether there is a page about that


def run(loop: Loop, request: DecideRequest) -> DecideResult:
    """Decide once a night: a night that has asked before gives the same answer, and is written down once."""
    registry, night = dataset.registry(), request.partition
    loop = nights.contract(registry, loop, night)
    asked = only(registry.ledger(loop.name), Requested)
    if before := next((each for each in asked if each.partition == night), None):
        return DecideResult(
            reason=before.reason,
            outcome="unchanged",
            partition=night,
            verdict="retrain",
            key=before.evidence,
            champion=before.champion,
            worse=explanation.told(loop, night),
            explanation=explanation.there(loop, night),
        )
    if not nights.may_decide(registry, loop.name, night):
        reason = f"the night of {night} is over: it has decided, and later nights have begun"
        return DecideResult(reason=reason, outcome="unchanged", partition=night, verdict="wait")
    known = gather(loop, night)
    seen = {name: text for name in (drift.FILE, performance.FILE) if (text := looks.read(loop, night, name))}
    seen["night.json"] = json.dumps(dataclasses.asdict(known), indent=1)
    policies, worse = catalog.policies(loop), ""
    with runs.connected() as client:
        if any(name == ALARM for name, _ in causes(known, policies)):
            version, live = known.champion, [*known.live]
            worse = explanation.of_night(
                loop, night, version, lambda: explanations.of_champion(loop, client, night, version, live)
            )
            seen |= explanation.files(loop, night)
        decision = production.act(
            loop, client, lambda world: acts.decide(world, loop, known, policies), lambda *_: seen
        )
    result = DecideResult(
        reason=decision.reason,
        partition=night,
        verdict=decision.verdict,
        key=decision.key,
        champion=known.champion,
        worse=worse,
        explanation=explanation.PAGE in seen,
    )
    looks.keep(loop, night, FILE, result.model_dump_json(indent=1))  # the ledger keeps a request and a veto alone
    return result


def read(loop: Loop, partition: str) -> DecideResult | None:
    """Return what a night has decided first, or None."""
    text = looks.read(loop, partition, FILE)
    return DecideResult.model_validate_json(text) if text else None


def gather(loop: Loop, partition: str) -> NightFacts:
    """Gather what is known on a night. Raises DataError where drift or performance were not measured."""
    registry = dataset.registry()
    drifted, measured = drift.read(loop, partition), performance.read(loop, partition)
    if drifted is None or measured is None:
        raise DataError(
            f"The monitor has not measured {loop.name} {partition}. "
            "Run the steps drift and performance of that night first"
        )
    found, version = drift.DriftResult.model_validate(drifted), measured.champion or ""
    revision = nights.revision(registry, loop, partition)
    entries, counts = registry.ledger(loop.name), dataset.counts(registry, loop, revision)
    recent = registry.verdicts(loop.name, revision, shift(partition, 1 - loop.monitor.window_days), partition)
    known = NightFacts(
        partition=partition,
        champion=version,
        drifted=found.drifted,
        drift_days=found.days,
        drift_window=found.expected,
        never_came=found.never_came,
        loss=loop.measured_in,
        loss_words=loop.loss_words,
        live=performance.history(loop, version, partition),
        estimated=measured.estimated,
        bad_data=requests.bad_data(recent, partition, loop.monitor.window_days),
        past=staleness.past(entries, loop.measured_in),
        **requests.facts(entries, partition, loop.label_delay_days),
    )
    if not version:
        return known
    with runs.connected() as client:
        run = models.version(client, loop.name, version).run_id
    record = records.read(loop, run)
    judged = evaluations.read(loop, record.evaluated or run)
    last = shift(partition, -loop.label_delay_days)
    seen = max(record.trained[1], record.held_out[1])
    return dataclasses.replace(
        known,
        trained=shift(seen, loop.label_delay_days),
        holdout=[each["challenger"] for _, each in sorted(judged.days.items())],
        judged_in=judged.loss,
        news=staleness.path(counts, record.data["train"], last),
        changed=recipes.changed(loop, entries) if "recipe" in loop.retrain.policies else "",
    )
