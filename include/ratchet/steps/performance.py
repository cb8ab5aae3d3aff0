"""Performance: measure what was predicted against the labels that have come since, and feed the duels with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data import features, tables
from ratchet.decisions import duel, shadows
from ratchet.files import write_text
from ratchet.lifecycle import dataset, evidence, ledger, predictions
from ratchet.monitoring import estimate
from ratchet.partitions import days_between, shift
from ratchet.steps import StepRequest, StepResult, drift, evaluate
from ratchet.training.metrics import measured, row_losses

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.runs import Tracking


class PerformanceRequest(StepRequest):
    """Which night to measure."""

    partition: str  # the night that looks; labels are known up to `label_delay_days` before it
    revision: str = ""  # of the data registry; by default the newest


class PerformanceResult(StepResult):
    """What the labels that have come say of the models."""

    partition: str  # the night that looked
    champion: str | None = None  # its version, or none
    holdout_loss: float | None = None  # the champion's, at its promotion
    # Day -> version -> metrics, loss and rows.
    days: dict[str, dict[str, dict[str, float]]] = Field(default_factory=dict)
    # Day -> the champion's estimated loss, of days whose labels have not come.
    estimated: dict[str, float] = Field(default_factory=dict)
    challengers: dict[str, int] = Field(default_factory=dict)  # days of evidence of each that waits, by MLflow run
    predecessor: tuple[tuple[str, int, float, int], ...] = ()  # the days of its duel with its successors


def run(loop: Loop, request: PerformanceRequest) -> PerformanceResult:
    """Measure the labelled days of the monitor's window. The same predictions and labels give the same numbers."""
    import pyarrow.compute as pc

    registry = dataset.registry()
    revision = registry.resolve(request.revision or "HEAD")
    last = shift(request.partition, -loop.label_delay_days)
    first = shift(last, 1 - loop.monitor.window_days)
    days = [
        day for day in dataset.published(registry, loop, revision, first, last) if predictions.live(loop, day).exists()
    ]
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None or not days:
            why = "no champion yet" if champion is None else f"no scored day with labels between {first} and {last}"
            return _keep(
                loop,
                PerformanceResult(
                    reason=f"{loop.name} has {why}: nothing to measure", outcome="skipped", partition=request.partition
                ),
            )
        holdout = client.metrics(champion.run_id).get(evidence.LOSS)
        rows = dataset.features(registry, loop, revision, days[0], days[-1])
        found = {day: live(loop, rows.filter(pc.equal(rows.column(features.PARTITION), day)), day) for day in days}
        newest = {
            f"live/v{version}/{name}": value for version, m in found[days[-1]].items() for name, value in m.items()
        }
        runs.log_metrics(client, champion.run_id, newest, step=days_between("2000-01-01", days[-1]))
        estimated = _estimated(loop, client, champion, shift(last, 1), request.partition)
        entries = registry.ledger(loop.name)
        waiting = {
            each.mlflow_run: len(evidence.extend(loop, client, registry, revision, each, champion, last))
            for each in shadows.challengers(entries)
            if each.champion == champion.number
        }
        before = shadows.predecessor(entries)
        shadowed = evidence.against_predecessor(loop, client, registry, revision, before, last) if before else []
    latest = "; ".join(f"v{v}: {loop.loss} {m['loss']:.4f} on {m['rows']:.0f} rows" for v, m in found[days[-1]].items())
    result = PerformanceResult(
        reason=f"labels up to {last}; {days[-1]}: {latest or 'no label yet'}",
        partition=request.partition,
        champion=champion.number,
        holdout_loss=holdout,
        days=found,
        estimated=estimated,
        challengers=waiting,
        predecessor=duel.dump(shadowed),
    )
    return _keep(loop, result)


def live(loop: Loop, rows: pa.Table, day: str) -> dict[str, dict[str, float]]:
    """Measure one day's predictions: version -> metrics, `loss` (the loop's own) and `rows` with a label."""
    import numpy as np

    found = {}
    target, predicted, joined = predictions.paired(loop, tables.read_table(predictions.live(loop, day)), rows)
    versions = (
        joined.column(predictions.VERSION).to_numpy(zero_copy_only=False).astype(str)
        if joined.num_rows
        else np.array([])
    )
    for version in np.unique(versions):
        mine = versions == version
        metrics = measured(loop, target[mine], predicted[mine])
        loss = float(row_losses(loop.loss, target[mine], predicted[mine]).mean())
        found[str(version)] = {**metrics, "loss": loss, "rows": float(mine.sum())}
    return found


def history(loop: Loop, version: str, partition: str) -> dict[str, float]:
    """Return the live loss of a version on every labelled day since it went live, as known on a night: day -> loss."""
    found: dict[str, float] = {}
    for path in sorted(drift.folder(loop, partition).parent.glob("*/performance.json")):
        if path.parent.name <= partition:
            measured = PerformanceResult.model_validate_json(path.read_text(encoding="utf-8"))
            found |= {day: versions[version]["loss"] for day, versions in measured.days.items() if version in versions}
    return dict(sorted(found.items()))


def _estimated(loop: Loop, client: Tracking, champion: models.Version, first: str, last: str) -> dict[str, float]:
    """Estimate the champion's loss on the days that it has scored and that have no label yet."""
    import pyarrow.compute as pc

    evaluated = client.tags(champion.run_id).get(predictions.EVALUATED, champion.run_id)
    knots = json.loads(runs.read_file(client, evaluated, evaluate.FILE))["calibrator"]
    found = {}
    for day in (shift(first, n) for n in range(days_between(first, last) + 1)):
        if knots and predictions.live(loop, day).exists():
            told = tables.read_table(predictions.live(loop, day))
            told = told.filter(pc.equal(told.column(predictions.VERSION), champion.number))
            if told.num_rows:
                found[day] = float(estimate.losses(loop.loss, knots, predictions.probabilities(loop, told)).mean())
    return found


def read(loop: Loop, partition: str) -> PerformanceResult | None:
    """Return what was measured on a night, or None."""
    path = drift.folder(loop, partition) / "performance.json"
    return PerformanceResult.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None


def _keep(loop: Loop, result: PerformanceResult) -> PerformanceResult:
    write_text(
        drift.folder(loop, result.partition) / "performance.json", json.dumps(result.model_dump(mode="json"), indent=1)
    )
    return result
