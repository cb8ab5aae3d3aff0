"""Drift: compare the features of the latest days with the champion's own training data."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ratchet.adapters import drift_report, models, runs
from ratchet.contract.loop import Loop
from ratchet.files import write_text
from ratchet.lifecycle import dataset, ledger
from ratchet.monitoring import reference
from ratchet.partitions import shift
from ratchet.settings import Settings
from ratchet.steps import StepRequest, StepResult


class DriftRequest(StepRequest):
    """Which days to look at."""

    partition: str  # the latest day to look at
    revision: str = ""  # of the data registry; by default the newest


class DriftResult(StepResult):
    """What the latest days are like beside the champion's own."""

    partition: str  # the latest day that was looked at
    champion: str | None = None  # the version whose days they were compared with, or none
    mlflow_run: str | None = None  # the champion's
    days: int = 0  # that were compared
    drifted: tuple[str, ...] = ()  # columns beyond their thresholds
    report: str | None = None  # the HTML page


def run(loop: Loop, request: DriftRequest) -> DriftResult:
    """Compare the `monitor.window_days` up to the partition.

    The same data and champion give the same verdict, computed once.
    """
    registry = dataset.registry()
    revision = registry.resolve(request.revision or "HEAD")
    first = shift(request.partition, 1 - loop.monitor.window_days)
    days = dataset.published(registry, loop, revision, first, request.partition)
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None or not days:
            why = "no champion yet" if champion is None else f"no published day between {first} and {request.partition}"
            return _keep(
                loop,
                DriftResult(
                    reason=f"{loop.name} has {why}: nothing to compare", outcome="skipped", partition=request.partition
                ),
            )
        known = read(loop, request.partition)
        inputs = f"{champion.number}:{registry.git('rev-parse', f'{revision}:{loop.name}/data').strip()}"
        if known and known.get("inputs") == inputs and Path(known["report"]).exists():
            return DriftResult.model_validate({**known, "outcome": "unchanged"})
        import pandas as pd

        model = models.version_model(champion)
        past = pd.read_parquet(io.BytesIO(runs.read_file(client, champion.run_id, "monitor/reference.parquet")))
        about = json.loads(runs.read_file(client, champion.run_id, "monitor/thresholds.json"))
        current = reference.columns(loop, model, dataset.features(registry, loop, revision, first, request.partition))
        numbers, categories = reference.kinds(past)
        columns, page = drift_report.compare(current, past, numbers, categories, about["thresholds"])
        path = folder(loop, request.partition) / "drift.html"
        write_text(path, page)
        runs.log_files(client, champion.run_id, {f"drift/{request.partition}.html": page})
    drifted = sorted((c for c in columns if c.drifted), key=lambda c: -c.distance / c.threshold)
    shown = ", ".join(f"{c.column} {c.distance:.3f} (threshold {c.threshold:.3f})" for c in drifted[:5])
    beyond = f"{len(drifted)} of {len(columns)} columns of {len(days)} days are beyond their thresholds"
    result = DriftResult(
        reason=f"{beyond}: {shown}" if drifted else beyond,
        partition=request.partition,
        champion=champion.number,
        mlflow_run=champion.run_id,
        days=len(days),
        drifted=tuple(c.column for c in drifted),
        report=str(path),
    )
    return _keep(loop, result, inputs=inputs, columns={c.column: [c.distance, c.threshold] for c in columns})


def folder(loop: Loop, partition: str) -> Path:
    """Say where what the monitor saw on a night lies."""
    return Settings.current().reports / loop.name / partition


def read(loop: Loop, partition: str) -> dict[str, Any] | None:
    """Return what was found on a night, or None."""
    path = folder(loop, partition) / "drift.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _keep(loop: Loop, result: DriftResult, **more: object) -> DriftResult:
    path = folder(loop, result.partition) / "drift.json"
    write_text(path, json.dumps({**result.model_dump(mode="json"), **more}, indent=1))
    return result
