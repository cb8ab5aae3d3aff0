"""Performance: measure what was predicted against the labels that have come since, by day and by model version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import dataset, tracking
from ratchet.data import features, tables
from ratchet.files import write_text
from ratchet.loop import Loop
from ratchet.partitions import days_between, shift
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import drift, evaluate, score
from ratchet.training.metrics import measure, row_losses

if TYPE_CHECKING:
    import pyarrow as pa


class Request(Base):
    """partition: the night that looks; labels are known up to `label_delay_days` before it. revision: by default the newest."""

    partition: str
    revision: str = ""


class Result(BaseResult):
    """days: day -> version -> metrics, loss and rows. holdout_loss: the champion's, at its promotion."""

    partition: str
    champion: str | None = None
    holdout_loss: float | None = None
    days: dict[str, dict[str, dict[str, float]]] = Field(default_factory=dict)


def run(loop: Loop, request: Request) -> Result:
    """Measure the labelled days of the monitor's window. The same predictions and labels give the same numbers."""
    import pyarrow.compute as pc

    registry = dataset.registry()
    revision = registry.resolve(request.revision or "HEAD")
    last = shift(request.partition, -loop.label_delay_days)
    first = shift(last, 1 - max(loop.monitor.window_days, loop.monitor.harm_days))
    days = [day for day in dataset.published(registry, loop, revision, first, last) if score.file(loop, day).exists()]
    with tracking.connected() as client:
        champion = tracking.champion(client, loop.name)
        if champion is None or not days:
            why = "no champion yet" if champion is None else f"no scored day with labels between {first} and {last}"
            return _keep(loop, Result(reason=f"{loop.name} has {why}: nothing to measure", outcome="skipped", partition=request.partition))
        holdout = client.get_run(champion.run_id).data.metrics.get(evaluate.LOSS)
        rows = dataset.features(registry, loop, revision, days[0], days[-1])
        found = {day: live(loop, rows.filter(pc.equal(rows.column(features.PARTITION), day)), day) for day in days}
        newest = {f"live/v{version}/{name}": value for version, m in found[days[-1]].items() for name, value in m.items()}
        tracking.log_metrics(client, champion.run_id, newest, step=days_between("2000-01-01", days[-1]))
    latest = "; ".join(f"v{v}: {loop.loss} {m['loss']:.4f} on {m['rows']:.0f} rows" for v, m in found[days[-1]].items())
    result = Result(
        reason=f"labels up to {last}; {days[-1]}: {latest or 'no label yet'}",
        partition=request.partition, champion=champion.number, holdout_loss=holdout, days=found,
    )  # fmt: skip
    return _keep(loop, result)


def live(loop: Loop, rows: pa.Table, day: str) -> dict[str, dict[str, float]]:
    """Measure one day's predictions: version -> metrics, `loss` (the loop's own) and `rows` with a label."""
    import numpy as np

    keys = [*loop.main_table.key]
    labels = rows.select(dict.fromkeys([*keys, loop.target.name])).filter(rows.column(loop.target.name).is_valid())
    joined = tables.read_table(score.file(loop, day)).join(labels, keys=keys, join_type="inner").sort_by([(k, "ascending") for k in keys])
    found = {}
    versions = joined.column(score.VERSION).to_numpy(zero_copy_only=False).astype(str) if joined.num_rows else np.array([])
    for version in np.unique(versions):
        target, predicted = _values(loop, joined.filter(versions == version))
        metrics = measure(loop.task, target, predicted)
        found[str(version)] = {**metrics, "loss": float(row_losses(loop.loss, target, predicted).mean()), "rows": float(len(target))}
    return found


def read(loop: Loop, partition: str) -> Result | None:
    """Give what was measured on a night, or None."""
    path = drift.folder(loop, partition) / "performance.json"
    return Result.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None


def _values(loop: Loop, rows: pa.Table) -> tuple[Any, Any]:
    """Give target and prediction as the metrics take them."""
    import numpy as np
    import pyarrow as pa

    target = rows.column(loop.target.name)
    if loop.task != "multiclass":
        return target.cast(pa.float64()).to_numpy(), rows.column("prediction").cast(pa.float64()).to_numpy()
    classes = [name.removeprefix("probability_") for name in rows.column_names if name.startswith("probability_")]
    index = {name: i for i, name in enumerate(classes)}
    codes = np.array([index.get(str(value), -1) for value in target.to_pylist()], dtype=float)
    columns = [rows.column(f"probability_{name}").fill_null(0.0).to_numpy() for name in classes]
    return codes, np.column_stack(columns)


def _keep(loop: Loop, result: Result) -> Result:
    write_text(drift.folder(loop, result.partition) / "performance.json", json.dumps(result.model_dump(mode="json"), indent=1))
    return result
