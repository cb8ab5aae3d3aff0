"""Refit: fit the recipe of a challenger that may be promoted on everything up to now.

It is judged by what was asked of the evaluated model. A refit that misbehaves is refused; one that only takes too long
waits, and is measured again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data.examples import Examples
from ratchet.decisions import acts, lifecycle, refit
from ratchet.decisions.checks.check import Check
from ratchet.decisions.entries import Entry, Promoted, Rejected, Won, only
from ratchet.errors import TrainingError
from ratchet.lifecycle import (
    dataset,
    evaluations,
    examples,
    ledger,
    nights,
    predictions,
    production,
    proven,
    records,
    verdicts,
)
from ratchet.lifecycle.records import Record
from ratchet.partitions import Partition, shift
from ratchet.steps import Key, MlflowRun, StepRequest, StepResult, gate, snapshot, train
from ratchet.training import evaluation

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

JUDGED = ("challenger/", "baseline/")  # metrics of the holdout, that a refit has seen


class RefitRequest(StepRequest):
    """Which recipe to fit, and on which days."""

    run: Key = Field(description="The key of this training.")
    mlflow_run: MlflowRun = Field(default="", description="The run that was judged.")
    until: Partition = Field(
        default="",
        description="The latest partition for the refit; by default the training's days, the held-out ones included.",
    )


class RefitResult(StepResult):
    """What was fitted."""

    mlflow_run: str | None = None  # of the refit
    # Mean distance of its predictions on the holdout from the evaluated model's, in their deviations.
    distance: float | None = None


def run(loop: Loop, request: RefitRequest) -> RefitResult:
    """Refit once a judged run; skipped where it is not to be promoted, or where what was judged is what is deployed."""
    now, loop = loop, snapshot.contract(loop, request.run)
    pinned = snapshot.pinned(loop, request.run)
    with runs.connected() as client:
        judged = verdicts.judged(loop, request.run, request.mlflow_run)
        entries = ledger.read(loop)
        if done := next((each for each in only(entries, Promoted) if each.evaluated == judged), None):
            return RefitResult(reason=f"promoted as v{done.version}", outcome="unchanged", mlflow_run=done.mlflow_run)
        won = lifecycle.won(entries, judged)
        if won is None:
            return RefitResult(reason=verdicts.said(entries, judged), outcome="skipped")
        if (rules := gate.rules(now, won)).deploy != "refit":
            said = f"nothing to refit: the contract deploys the evaluated model (gate.deploy: {rules.deploy})"
            return RefitResult(reason=said, outcome="skipped")
        # A key that no request can spell: a training is never taken for a refit.
        begun = runs.find_run(client, loop.name, f"refit/{judged}")
        made, told = records.find(loop, begun.run_id) if begun else None, "refitted before, on"
        if made is None:
            rows, revision = _rows(loop, pinned, request.until)
            told = f"refitted on {rows.num_rows:,} rows of"
            made = _begin(loop, client, request, judged, _data(loop, pinned, rows, revision))
            try:
                _fit(loop, client, made, rows)
            except TrainingError as error:
                return _refuse(loop, client, won, made.run, f"the refit diverged: {error}")
        loop = loop.model_copy(update={"gate": rules})
        found = _evaluate(loop, client, made, judged, pinned)
        far = float(found["distance"])
        listed = refit.judge(rules, won.terms, found, evaluations.read(loop, judged).model_dump())
        if settled := _settle(loop, client, won, made.run, listed):
            return settled.model_copy(update={"distance": far})
        records.amend(loop, judged, refit=made.run)
    return RefitResult(
        reason=f"{told} {made.data['train']}; {far:.2f} deviations from the evaluated model on the holdout",
        mlflow_run=made.run,
        distance=far,
    )


def _evaluate(
    loop: Loop, client: Tracking, made: Record, judged: str, pinned: snapshot.SnapshotResult
) -> dict[str, Any]:
    """Measure a refit beside the evaluated model, and keep it with its run; of its latencies the best counts."""
    before = evaluations.read(loop, made.run) if made.evaluation else None
    holdout = snapshot.read(loop, pinned.snapshot, "holdout")
    model, evaluated = proven.answering(loop, made.run), proven.answering(loop, judged)
    ours, theirs = evaluation.of_model(model, holdout), evaluation.of_model(evaluated, holdout)
    found = {**evaluation.of_refit(loop, holdout, ours, theirs), **evaluation.probe(loop, model, holdout)}
    sha256, size = models.local(made.run)
    found |= {"model": sha256, "size_mb": size / 1e6, "signatures": [evaluation.signature(model)]}
    found["learnt"] = pinned.train_rows
    if before and before.latency_ms <= found["latency_ms"]:
        found |= {"latency_ms": before.latency_ms, "latency_wall_ms": before.latency_wall_ms}
    told = {name: found[name] for name in ("latency_ms", "latency_wall_ms", "size_mb")}
    runs.log_metrics(client, made.run, {"evaluated_distance": min(found["distance"], 1e9), **told})
    text = json.dumps(found, indent=1)
    runs.log_files(client, made.run, {evaluations.FILE: text})
    evaluations.keep(loop, made.run, text)
    return found


def _settle(loop: Loop, client: Tracking, won: Won, run_id: str, listed: Sequence[Check]) -> RefitResult | None:
    """Write down what forbids a refit, or lets it wait; None where nothing does."""

    def rests(entry: Entry, decided: acts.Decided) -> dict[str, str]:
        return {"refit.json": evaluations.text(loop, run_id)}

    entry = production.act(loop, client, lambda world: acts.settle(world, won, listed, mlflow_run=run_id), rests)
    if isinstance(entry, Rejected):
        gate.settle(client, won.evaluated, "reject", entry.reason)
    return RefitResult(reason=entry.reason, outcome="skipped", mlflow_run=run_id) if entry else None


def _data(loop: Loop, pinned: snapshot.SnapshotResult, rows: Examples, revision: str) -> dict[str, str]:
    """Say what is fitted, of the rows themselves."""
    first, last = pinned.train.partition("..")[0], rows.last
    return {
        "train": f"{first}..{last}",
        "holdout": pinned.holdout,
        "read": dataset.read_for(loop, first, last),
        "revision": revision,
        "hash": rows.digest,
    }


def _begin(loop: Loop, client: Tracking, request: RefitRequest, judged: str, data: dict[str, str]) -> Record:
    """Begin the MLflow run of a refit, or take up that of an earlier try, which may have known fewer days."""
    about = {
        **{
            name: value
            for name, value in client.tags(judged).items()
            if name.startswith(("ratchet.", "code.", "environment.", "mlflow.note"))
        },
        predictions.EVALUATED: judged,
        **{f"data.{name}": value for name, value in data.items()},
    }
    for name in (runs.KEY, runs.MODEL, models.SHA256, "ratchet.contract.loop", "ratchet.version"):
        about.pop(name, None)
    begun = runs.start_run(client, loop.name, f"refit/{judged}", about, name=f"{request.run}.refit")
    runs.retag(client, begun, about)
    of = records.read(loop, judged)
    own = of.model_dump(include={"recipe", "reason", "code", "intercept"})
    return Record(run=begun.run_id, evaluated=judged, data=data, **own)


def _rows(loop: Loop, pinned: snapshot.SnapshotResult, until: str) -> tuple[Examples, str]:
    """Return all labelled rows: those of the snapshot, or up to a later night."""
    last = shift(until, -loop.label_delay_days) if until else ""
    if last > pinned.holdout.partition("..")[2]:
        registry = dataset.registry()
        revision = nights.revision(registry, loop, until)
        days = dataset.published(registry, loop, revision, pinned.train.partition("..")[0], last)
        return examples.of_days(registry, loop, revision, days), revision
    return snapshot.examples(loop, pinned.snapshot, snapshot.TRAIN, snapshot.HOLDOUT), pinned.revision


def _fit(loop: Loop, client: Tracking, record: Record, rows: Examples) -> None:
    run_id, judged = record.run, record.evaluated
    runs.log_params(client, run_id, client.params(judged))
    with runs.training(run_id):
        # What was judged is the evaluated model, beside its baseline: what the live loss is compared with.
        metrics = {name: value for name, value in client.metrics(judged).items() if name.startswith(JUDGED)}
        runs.log_metrics(client, run_id, metrics)
        with train.fitted(loop, rows) as (model, curve, seconds):
            runs.log_dataset(run_id, loop.name, record.data["hash"], record.data, "training")  # MLflow forgets none
            train.keep(client, loop, record, model, curve, rows, seconds)


def _refuse(loop: Loop, client: Tracking, won: Won, run_id: str, why: str) -> RefitResult:
    """Write the refusal down."""
    reason = f"rejected: {why}"
    production.act(loop, client, lambda world: acts.refuse(world, won, reason, mlflow_run=run_id))
    gate.settle(client, won.evaluated, "reject", reason)
    return RefitResult(reason=reason, outcome="skipped", mlflow_run=run_id)  # a decision like others, and no failure
