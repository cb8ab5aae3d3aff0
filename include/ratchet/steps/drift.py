"""Drift: compare the features of the latest days with the champion's own training data."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from ratchet.adapters import runs
from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.contract.resting import days_of_rest
from ratchet.decisions import coverage, shadows
from ratchet.files import write_text
from ratchet.lifecycle import dataset, examples, feature_days, ledger, looks, nights, proven, records
from ratchet.monitoring import reference
from ratchet.partitions import Partition, shift
from ratchet.steps import Outcome, Revision, StepRequest, StepResult

FILE = "drift.json"


class DriftRequest(StepRequest):
    """Which days to look at."""

    partition: Partition = Field(description="The latest day to look at.")
    revision: Revision = Field(
        default="", description="The state of the data registry; by default what the night knew."
    )


class DriftResult(StepResult):
    """What the latest days are like beside the champion's own."""

    partition: str  # the latest day that was looked at
    champion: str | None = None  # the version whose days they were compared with, or none
    mlflow_run: str | None = None  # the champion's
    days: int = 0  # of the window that were compared ...
    expected: int = 0  # ... of so many on which rows were expected, or came
    never_came: tuple[str, ...] = ()  # of them, days of which nobody has heard
    drifted: tuple[str, ...] = ()  # columns beyond their thresholds


def run(loop: Loop, request: DriftRequest) -> DriftResult:
    """Compare the `monitor.window_days` up to the partition.

    The same data and champion give the same verdict, computed once. What the night saw first stays; a later look that
    sees something else is kept beside it.
    """
    registry = dataset.registry()
    loop = nights.contract(registry, loop, request.partition)
    revision = nights.revision(registry, loop, request.partition, request.revision)
    first = shift(request.partition, 1 - loop.monitor.window_days)
    published = dataset.published(registry, loop, revision, last=request.partition)
    days = [day for day in published if first <= day]
    resting = days_of_rest(loop.schedule, first, request.partition)
    verdicts = registry.verdicts(loop.name, revision, first, request.partition)
    window = coverage.of_window(published, verdicts, resting, request.partition, loop.monitor.window_days)
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        if champion is None or not days:
            why = "no champion yet" if champion is None else f"no published day between {first} and {request.partition}"
            reason = f"{loop.name} has {why}: nothing to compare"
            waits = champion is None and shadows.challengers(registry.ledger(loop.name))  # for what the night says
            outcome: Outcome = "unchanged" if waits else "skipped"
            return _keep(loop, DriftResult(reason=reason, outcome=outcome, partition=request.partition))
        known = read(loop, request.partition)
        compared = inputs(loop, registry, champion.number, revision)
        mark = hashlib.sha256(compared.encode()).hexdigest()[:12]
        if before := _before(loop, request.partition, compared, mark):
            return before
        first_seen = known is None or known["outcome"] == "skipped" or known.get("inputs") == compared
        later = "" if first_seen else f"-{mark}"  # a look beside the first
        model, record = proven.version_model(loop, champion), records.read(loop, champion.run_id)
        past = reference.read(partial(records.file, loop, client, champion.run_id), record.files)
    rows = feature_days.of_range(registry, loop, revision, first, request.partition)
    columns = reference.judged(loop, model, past, rows, len(days), lambda: examples.of_run(loop, record).table())
    drifted = sorted((c for c in columns if c.drifted), key=lambda c: -c.distance / c.threshold)
    shown = ", ".join(f"{c.column} {c.distance:.3f} (threshold {c.threshold:.3f})" for c in drifted[:5])
    beyond = f"{len(drifted)} of {len(columns)} columns are beyond their thresholds"
    said = [
        f"{beyond}, on {window.came} of {window.expected} days" + (f": {shown}" if drifted else ""),
        f"held to none, as they grow with time: {', '.join(past.growing)}" if past.growing else "",
        coverage.told(window.never, window.expected),
    ]
    result = DriftResult(
        reason=". ".join(part for part in said if part),
        partition=request.partition,
        champion=champion.number,
        mlflow_run=champion.run_id,
        days=window.came,
        expected=window.expected,
        never_came=window.never,
        drifted=tuple(c.column for c in drifted),
    )
    columns_found = {c.column: [c.distance, c.threshold] for c in columns}
    return _keep(loop, result, later, inputs=compared, revision=revision, columns=columns_found)


def read(loop: Loop, partition: str) -> dict[str, Any] | None:
    """Return what was found on a night, or None."""
    text = looks.read(loop, partition, FILE)
    return json.loads(text) if text else None


def inputs(loop: Loop, registry: Registry, champion: str, revision: str) -> str:
    """Return what a look rests on: the champion's version, and the content of the loop's data at a revision."""
    return f"{champion}:{registry.content_id(f'{loop.name}/data', revision)}"


def seen(loop: Loop, partition: str) -> dict[str, dict[str, Any]]:
    """Return the looks at a night that compared something: mark, empty of the first -> what was found."""
    files = sorted(looks.folder(loop, partition).glob("drift*.json"), key=lambda path: len(path.name))
    found = {path.stem.removeprefix("drift"): json.loads(path.read_text(encoding="utf-8")) for path in files}
    return {mark: look for mark, look in found.items() if "columns" in look}


def page(loop: Loop, partition: str, mark: str = "") -> Path:
    """Say where Evidently's page about a look lies, once the step `explain` has made it."""
    return looks.folder(loop, partition) / f"drift{mark}.html"


def _before(loop: Loop, partition: str, compared: str, mark: str) -> DriftResult | None:
    """Return an earlier look at the same: the first, or one beside it."""
    for name in (FILE, f"drift-{mark}.json"):
        found = json.loads(looks.read(loop, partition, name) or "{}")
        if found.get("inputs") == compared:
            return DriftResult.model_validate({**found, "outcome": "unchanged"})
    return None


def _keep(loop: Loop, result: DriftResult, later: str = "", **more: object) -> DriftResult:
    """Keep a look: the first, or one beside it. A first that found nothing to compare counts for none."""
    text = json.dumps({**result.model_dump(mode="json"), **more}, indent=1)
    if later or result.outcome != "skipped" or read(loop, result.partition) is None:
        write_text(looks.folder(loop, result.partition) / f"drift{later}.json", text)
    return result
