"""Measure again what a timing keeps waiting: a machine that was busy on one night may be quiet on another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ratchet.adapters import runs
from ratchet.contract.loop import Loop
from ratchet.decisions import shadows, timings
from ratchet.lifecycle import dataset, evaluations, feature_days, ledger, nights, proven, records
from ratchet.training.latency import latency

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


def again(loop: Loop, client: Tracking, night: str) -> None:
    """Measure the latency of each challenger that waits for no more than it, once a night; keep the best of all."""
    for each in shadows.challengers(ledger.read(loop)):
        if timings.due(loop.gate, evaluations.read(loop, each.mlflow_run), night):
            measure(loop, client, each.mlflow_run, night)


def measure(loop: Loop, client: Tracking, run: str, night: str) -> None:
    """Measure a model's latency on a row that was held out, and keep the better with its evaluation."""
    registry, held = dataset.registry(), records.read(loop, run).held_out
    revision = nights.revision(registry, loop, night)
    days = dataset.published(registry, loop, revision, *held)[-1:]
    rows = feature_days.of_days(registry, loop, revision, days) if days else None
    if rows is None or not rows.num_rows:
        return
    timed = latency(proven.answering(loop, run), rows)
    found = timings.measured(evaluations.read(loop, run), night, timed.ms, timed.wall_ms)
    told = {name: getattr(found, name) for name in ("latency_ms", "latency_wall_ms", "timings")}
    text = json.dumps({**json.loads(evaluations.text(loop, run)), **told}, indent=1)
    runs.log_files(client, run, {evaluations.FILE: text})
    runs.log_metrics(client, run, {"latency_ms": found.latency_ms, "latency_wall_ms": timed.wall_ms})
    evaluations.keep(loop, run, text)
