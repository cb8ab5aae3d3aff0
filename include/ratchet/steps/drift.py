"""Drift: compare the features of the latest days with the champion's own training data."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

from pydantic import Field

from ratchet.adapters import drift_report, runs
from ratchet.contract.loop import Loop
from ratchet.contract.resting import days_of_rest
from ratchet.decisions import coverage, shadows
from ratchet.files import write_text
from ratchet.lifecycle import dataset, feature_days, ledger, looks, nights, proven, records
from ratchet.monitoring import distances, reference
from ratchet.partitions import Partition, shift
from ratchet.steps import Outcome, Revision, StepRequest, StepResult

FILE = "drift.json"


class DriftRequest(StepRequest):
    """Which days to look at."""

    partition: Partition = Field(description="The latest day to look at.")
    revision: Revision = Field(
        default="", description="The state of the data registry; by default what the night knew."
    )
    report: bool = Field(default=False, description="Let Evidently's report be made, alarm or none.")


class DriftResult(StepResult):
    """What the latest days are like beside the champion's own."""

    partition: str  # the latest day that was looked at
    champion: str | None = None  # the version whose days they were compared with, or none
    mlflow_run: str | None = None  # the champion's
    days: int = 0  # of the window that were compared ...
    expected: int = 0  # ... of so many on which rows were expected, or came
    never_came: tuple[str, ...] = ()  # of them, days of which nobody has heard
    drifted: tuple[str, ...] = ()  # columns beyond their thresholds
    report: str | None = None  # Evidently's page: on an alarm, at a champion's first look, or where it was asked for


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
        inputs = f"{champion.number}:{registry.content_id(f'{loop.name}/data', revision)}"
        mark = hashlib.sha256(inputs.encode()).hexdigest()[:12]
        before = _seen(loop, request.partition, inputs, mark)
        if before and not (request.report and before.report is None):
            return before
        first_seen = known is None or known["outcome"] == "skipped" or known.get("inputs") == inputs
        later = "" if first_seen else f"-{mark}"  # a look beside the first
        import pandas as pd

        model = proven.version_model(loop, champion)
        past = pd.read_parquet(io.BytesIO(records.file(loop, client, champion.run_id, reference.REFERENCE)))
        about = json.loads(records.file(loop, client, champion.run_id, reference.THRESHOLDS))
        rows = feature_days.of_range(registry, loop, revision, first, request.partition)
        current = reference.columns(loop, model, rows)
        compared = (current, past, *reference.kinds(past), reference.limits(about, len(days)))
        columns = distances.judged(*compared)
        path = None
        if (
            request.report
            or any(each.drifted for each in columns)
            or _is_first(loop, request.partition, champion.number)
        ):
            page, numbers = drift_report.make(*compared)
            path = looks.folder(loop, request.partition) / f"drift{later}.html"
            write_text(path, page)
            kept = f"drift/{request.partition}{later}"
            runs.log_files(client, champion.run_id, {f"{kept}.html": page, f"{kept}.json": numbers})
        if before:
            return before.model_copy(update={"report": str(path)})
    drifted = sorted((c for c in columns if c.drifted), key=lambda c: -c.distance / c.threshold)
    shown = ", ".join(f"{c.column} {c.distance:.3f} (threshold {c.threshold:.3f})" for c in drifted[:5])
    beyond = f"{len(drifted)} of {len(columns)} columns are beyond their thresholds"
    said = [
        f"{beyond}, on {window.came} of {window.expected} days" + (f": {shown}" if drifted else ""),
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
        report=str(path) if path else None,
    )
    columns_found = {c.column: [c.distance, c.threshold] for c in columns}
    return _keep(loop, result, later, inputs=inputs, columns=columns_found)


def read(loop: Loop, partition: str) -> dict[str, Any] | None:
    """Return what was found on a night, or None."""
    text = looks.read(loop, partition, FILE)
    return json.loads(text) if text else None


def _seen(loop: Loop, partition: str, inputs: str, mark: str) -> DriftResult | None:
    """Return an earlier look at the same: the first, or one beside it."""
    for name in (FILE, f"drift-{mark}.json"):
        found = json.loads(looks.read(loop, partition, name) or "{}")
        if found.get("inputs") == inputs:
            page = looks.folder(loop, partition) / name.replace(".json", ".html")
            report = str(page) if page.exists() else None
            return DriftResult.model_validate({**found, "outcome": "unchanged", "report": report})
    return None


def _is_first(loop: Loop, partition: str, champion: str) -> bool:
    """Say whether no earlier night has looked at the days beside this champion's."""
    earlier = [path.parent.name for path in looks.folder(loop, "").glob(f"*/{FILE}") if path.parent.name < partition]
    before = read(loop, max(earlier)) if earlier else None
    return before is None or before["champion"] != champion


def _keep(loop: Loop, result: DriftResult, later: str = "", **more: object) -> DriftResult:
    """Keep a look: the first, or one beside it. A first that found nothing to compare counts for none."""
    text = json.dumps({**result.model_dump(mode="json"), **more}, indent=1)
    if later or result.outcome != "skipped" or read(loop, result.partition) is None:
        write_text(looks.folder(loop, result.partition) / f"drift{later}.json", text)
    return result
