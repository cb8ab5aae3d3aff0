"""Refit: fit the recipe of a challenger that may be promoted on everything up to now.

A refit that misbehaves is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data.examples import Examples
from ratchet.decisions import acts, lifecycle
from ratchet.decisions.entries import Promoted, Won, only
from ratchet.errors import TrainingError
from ratchet.lifecycle import dataset, examples, ledger, nights, predictions, production, proven, records, verdicts
from ratchet.lifecycle.records import Record
from ratchet.partitions import Partition, shift
from ratchet.steps import Key, MlflowRun, StepRequest, StepResult, gate, snapshot, train
from ratchet.training import evaluation

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


class RefitRequest(StepRequest):
    """Which recipe to fit, and on which days."""

    run: Key  # the key of this training
    mlflow_run: MlflowRun = ""  # the run that was judged
    # The latest partition for the refit; by default the training's days, the held-out ones included.
    until: Partition = ""


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
        if won is None or (rules := gate.rules(now, won)).deploy != "refit":
            return RefitResult(reason=verdicts.said(entries, judged), outcome="skipped")
        # A key that no request can spell: a training is never taken for a refit.
        begun = runs.find_run(client, loop.name, f"refit/{judged}")
        made, told = records.find(loop, begun.run_id) if begun else None, "refitted before, on"
        evaluated, holdout = proven.run_model(loop, judged), snapshot.read(loop, pinned.snapshot, "holdout")
        if made is None:
            rows, revision = _rows(loop, pinned, request.until)
            told = f"refitted on {rows.num_rows:,} rows of"
            made = _begin(loop, client, request, judged, _data(loop, pinned, rows, revision))
            try:
                _fit(loop, client, made, rows)
            except TrainingError as error:
                return _refuse(loop, client, won, made.run, f"the refit diverged: {error}")
        far = evaluation.distance(proven.run_model(loop, made.run).predict(holdout), evaluated.predict(holdout))
        runs.log_metrics(client, made.run, {"evaluated_distance": min(far, 1e9)})
        if not far <= rules.refit_distance:
            return _refuse(loop, client, won, made.run, evaluation.too_far(far, rules.refit_distance))
        records.amend(loop, judged, refit=made.run)
    return RefitResult(
        reason=f"{told} {made.data['train']}; {far:.2f} deviations from the evaluated model on the holdout",
        mlflow_run=made.run,
        distance=far,
    )


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
    return Record(run=begun.run_id, evaluated=judged, recipe=of.recipe, reason=of.reason, data=data, code=of.code)


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
        # What was judged is the evaluated model: its numbers are what the live loss is compared with.
        metrics = {name: value for name, value in client.metrics(judged).items() if name.startswith("challenger/")}
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
