"""Evaluate: score challenger and champion on the same held-out rows, that neither was trained on.

What else the gate asks is asked here too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data import features, leaks
from ratchet.decisions import anchors, duel, lifecycle, shadows, staleness
from ratchet.decisions.evaluation import Evaluation, parse
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, evaluations, evidence, intercepts, ledger, predictions, proven, records
from ratchet.monitoring import estimate
from ratchet.reports import figures
from ratchet.steps import Key, MlflowRun, Outcome, StepRequest, StepResult, snapshot
from ratchet.training import evaluation, probes, too_good
from ratchet.training.intercept import Shift

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.adapters.runs import Tracking
    from ratchet.training.model import Model

    Vector = NDArray[np.float64]


class EvaluateRequest(StepRequest):
    """Which challenger to score."""

    run: Key = Field(description="The key of this training.")
    mlflow_run: MlflowRun = Field(
        default="", description="The run that holds the challenger; by default the one of that key."
    )


class EvaluateResult(StepResult):
    """How challenger, champion and baseline do on the holdout."""

    mlflow_run: str  # that holds the challenger
    metrics: dict[str, float]  # of the challenger on the holdout
    champion: str | None = None  # the version it was compared with, or none
    champion_metrics: dict[str, float] = Field(default_factory=dict)  # of the champion, on the rows that are compared
    baseline_metrics: dict[str, float] = Field(default_factory=dict)  # of the challenger's baseline, on the same rows
    daily: tuple[dict[str, Any], ...] = ()  # losses by day
    too_few: dict[str, str] = Field(default_factory=dict)  # what there is too little of to say anything, in words


def run(loop: Loop, request: EvaluateRequest) -> EvaluateResult:
    """Evaluate, and store metrics, daily losses and figures with the challenger's run.

    The same run gives the same numbers. One that was judged is not evaluated again: its decision rests on these.
    """
    loop = snapshot.contract(loop, request.run)
    pinned = snapshot.pinned(loop, request.run)
    rows = snapshot.read(loop, pinned.snapshot, "holdout")
    with runs.connected() as client:
        mlflow_run = records.trained_run(loop, request.run, request.mlflow_run)
        if lifecycle.judged(ledger.read(loop), mlflow_run):
            return _result(loop, evaluations.read(loop, mlflow_run), mlflow_run, "unchanged")
        challenger = proven.answering(loop, mlflow_run)
        sha256, size = models.local(mlflow_run)
        champion = ledger.champion(client, loop)
        opposing = proven.answering(loop, champion) if champion else None
        holdout = _Holdout(loop, pinned.revision, rows)
        opponent = holdout.stand(predictions.contender(loop, champion.run_id)) if champion else None
        registry, revision, usual = dataset.registry(), pinned.revision, shadows.baseline(mlflow_run)
        own = intercepts.shifts(registry, loop, revision, mlflow_run, holdout.days, challenger)
        plain = intercepts.shifts(registry, loop, revision, usual, holdout.days)
        ours = evaluation.of_model(challenger, rows, own)
        theirs = holdout.said(opponent) if opponent is not None else None
        baseline, first = records.read(loop, mlflow_run).baseline, _first_of(loop, champion)
        before = first.challenger_loss if first and first.loss == loop.measured_in else None
        content = {
            **evaluation.compare(loop, rows, ours, theirs, baseline, plain, before),
            **evaluation.probe(loop, challenger, rows),
            "calibration": probes.calibration(ours.target, ours.prediction) if loop.task == "binary" else [],
            "champion": champion.number if champion else None,
            "model": sha256,
            "size_mb": size / 1e6,
            "unaccepted": _unaccepted(loop, pinned),
            "calibrator": estimate.calibrate(loop.task, ours.target, ours.prediction),
            "signatures": [evaluation.signature(model) for model in (challenger, opposing) if model],
        }
        content |= _anchored(loop, client, mlflow_run, holdout, ours, content)
        content |= _too_good(loop, pinned, challenger, rows, ours, content["metrics"]["challenger"])
        content["champion_too_good"] = first.too_good if first else None
        content["first"] = _first_look(loop, pinned, champion, content["compared"])
        metrics = content["metrics"]
        runs.log_metrics(
            client,
            mlflow_run,
            {
                **{f"{who}/{name}": value for who, found in metrics.items() for name, value in found.items()},
                evidence.LOSS: content["challenger_loss"],
                **({"baseline/loss": content["baseline_loss"]} if content["baseline_loss"] is not None else {}),
                "latency_ms": content["latency_ms"],
                "latency_wall_ms": content["latency_wall_ms"],
                "size_mb": content["size_mb"],
            },
        )
        drawn = _figures(loop, ours, theirs)
        text = json.dumps(content, indent=1)
        runs.log_files(client, mlflow_run, {evaluations.FILE: text, **drawn})
        evaluations.keep(loop, mlflow_run, text)
    return _result(loop, parse(content, mlflow_run), mlflow_run, "done")


def _result(loop: Loop, found: Evaluation, run: str, outcome: Outcome) -> EvaluateResult:
    ours = _measured(found, "challenger")
    others = ", ".join(f"{name} {value:.4f}" for name, value in list(ours.items())[:3] if name != loop.loss)
    shown = f"{loop.loss_words} {found.challenger_loss:.4f}"
    plain = f"; baseline {found.baseline_loss:.4f}" if found.baseline_loss is not None else ""
    against = "; there is no champion yet"
    if found.champion:
        told = "has seen all of these days" if found.champion_loss is None else f"{found.champion_loss:.4f}"
        against = f"; champion v{found.champion}: {told}"
    few = "".join(f"; {told}" for told in found.too_few.values())
    rows = int(sum(day["rows"] for day in found.days.values()))
    return EvaluateResult(
        reason=f"on {rows:,} held-out rows of {len(found.days)} days: {shown}{plain}{against}; {others}{few}",
        outcome=outcome,
        mlflow_run=run,
        metrics=ours,
        champion=found.champion,
        champion_metrics=_measured(found, "champion"),
        baseline_metrics=_measured(found, "baseline"),
        daily=tuple({"day": day, **losses} for day, losses in found.days.items()),
        too_few=found.too_few,
    )


def _measured(found: Evaluation, who: str) -> dict[str, float]:
    return {name: value for name, value in found.metrics.get(who, {}).items() if value is not None}


@dataclass(frozen=True)
class _Holdout:
    """The rows that were held out, and what others than the challenger say of them, as they would have that day."""

    loop: Loop
    revision: str
    rows: pa.Table

    @cached_property
    def days(self) -> list[str]:
        return sorted(set(self.rows.column(features.PARTITION).to_pylist()))

    def stand(self, side: predictions.Contender) -> dict[str, str]:
        """Return who stands for a side on each day that it has not seen: day -> run, or name of a baseline."""
        return {day: run for day in self.days if (run := side.on(day))}

    def said(self, stand: Mapping[str, str]) -> evaluation.Side:
        """Let each day's rows be answered by who stands that day."""
        loaded = {run: proven.answering(self.loop, run) for run in {*stand.values()} if not shadows.trained_with(run)}
        shifts: dict[str, Shift] = {}
        for run in {*stand.values()}:
            days = [day for day, own in stand.items() if own == run]
            shifts |= intercepts.shifts(dataset.registry(), self.loop, self.revision, run, days, loaded.get(run))
        plain = {day: trained for day, name in stand.items() if (trained := shadows.trained_with(name))}
        if not plain:
            return evaluation.of_models({day: loaded[run] for day, run in stand.items()}, self.rows, shifts)
        answer = {day: predictions.baseline(records.read(self.loop, trained)) for day, trained in plain.items()}
        return evaluation.of_baselines(self.loop, answer, self.rows, shifts)


def _anchored(
    loop: Loop, client: Tracking, run: str, holdout: _Holdout, ours: evaluation.Side, content: dict[str, Any]
) -> dict[str, Any]:
    """Compare the challenger with the anchor; before a first champion, with its own baseline."""
    now = anchors.anchor(ledger.read(loop))
    if now is None:
        return {"anchor": shadows.baseline(run) if content["baseline"] else "", "anchored": content["baseline"]}
    if now.name == content["champion"]:
        return {"anchor": now.name, "anchored": content["compared"]}
    name = models.version(client, loop.name, now.name).run_id if now.version else now.name
    theirs = holdout.said(holdout.stand(predictions.contender(loop, name)))
    told = {**content["shifts"], "anchor": dict(theirs.shifts)}
    return {"anchor": now.name, "anchored": evaluation.against(loop, holdout.rows, ours, theirs), "shifts": told}


def _first_look(
    loop: Loop,
    pinned: snapshot.SnapshotResult,
    champion: models.Version | None,
    compared: list[Any] | None,
) -> dict[str, Any] | None:
    if champion is None or not compared:
        return None
    stands = predictions.contender(loop, champion.run_id)
    stood = {each.key: run for each in duel.load(compared) if (run := stands.on(each.key))}
    trained = {run: records.read(loop, run).data["train"] for run in set(stood.values())}
    counts = dataset.counts(dataset.registry(), loop, pinned.revision)
    return staleness.first_look(
        counts, duel.load(compared), {day: trained[run] for day, run in stood.items()}, pinned.train
    )


def _too_good(
    loop: Loop,
    pinned: snapshot.SnapshotResult,
    challenger: Model,
    rows: pa.Table,
    ours: evaluation.Side,
    metrics: dict[str, float],
) -> dict[str, Any]:
    """Look for what is too good to be true, in training and holdout."""
    both = snapshot.examples(loop, pinned.snapshot, snapshot.TRAIN, snapshot.HOLDOUT)
    told = too_good.of_features(loop, both.sample(leaks.ROWS, leaks.SEED))
    return {"too_good": too_good.find(loop, told, rows, ours, metrics, lambda: challenger)}


def _first_of(loop: Loop, champion: models.Version | None) -> Evaluation | None:
    """Return the evaluation that the champion's own first look was taken at; None where it has none."""
    run = lifecycle.evaluated(ledger.read(loop), champion.number) if champion else None
    try:
        return evaluations.read(loop, run) if run else None
    except DataError:  # a champion of 0.1 has none
        return None


def _unaccepted(loop: Loop, pinned: snapshot.SnapshotResult) -> dict[str, str]:
    """Return the days of training and holdout whose newest delivery, a correction, was rejected: day -> why."""
    registry, first, last = dataset.registry(), pinned.train.partition("..")[0], pinned.holdout.partition("..")[2]
    used = set(dataset.published(registry, loop, pinned.revision, first, last))
    verdicts = registry.verdicts(loop.name, pinned.revision)
    return {day: verdict.reason for day, verdict in verdicts.items() if day in used and verdict.status == "rejected"}


def _figures(loop: Loop, ours: evaluation.Side, theirs: evaluation.Side | None) -> dict[str, bytes]:
    predictions = {"challenger": ours.prediction}
    if theirs is not None and theirs.rows.all() and theirs.classes == ours.classes:
        predictions["champion"] = theirs.prediction
    drawn = figures.of_holdout(loop.task, ours.classes, ours.target, predictions)
    return {f"figures/{name}.png": content for name, content in drawn.items()}
