"""Explain: make what people look at and no decision rests on: Evidently's page about a night.

It is made after the decision, once, on an alarm or when somebody looks.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from pydantic import Field

from ratchet.adapters import drift_report, models, runs
from ratchet.contract.loop import Loop
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, feature_days, nights, proven, records
from ratchet.monitoring import reference, watched
from ratchet.partitions import Partition, shift
from ratchet.steps import StepRequest, StepResult, drift


class ExplainRequest(StepRequest):
    """What to explain."""

    partition: Partition = Field(description="The night that was compared.")


class ExplainResult(StepResult):
    """What was made."""

    partition: str  # the night
    pages: tuple[str, ...] = ()  # Evidently's, one a look at the night
    mlflow_run: str | None = None  # the champion's, which keeps them too


def run(loop: Loop, request: ExplainRequest) -> ExplainResult:
    """Make Evidently's page of each look at a night, from the rows that it compared; one that is there stays.

    Raises DataError where the night was not compared, or its rows are no longer those of then.
    """
    night = request.partition
    loop = nights.contract(dataset.registry(), loop, night)
    seen = drift.seen(loop, night)
    if not seen:
        raise DataError(
            f"The days up to {night} of {loop.name} were not compared with a champion's: there is nothing to explain. "
            f"Run: ratchet step drift --loop {loop.name} --partition {night}"
        )
    pages = {drift.page(loop, night, mark): found for mark, found in seen.items()}
    missing = [path for path in pages if not path.exists()]
    for path in missing:
        _make(loop, night, pages[path], path)
    return ExplainResult(
        reason=f"Evidently's page about {night}: {', '.join(path.name for path in pages)}",
        outcome="done" if missing else "unchanged",
        partition=night,
        pages=tuple(str(path) for path in pages),
        mlflow_run=next(iter(seen.values()))["mlflow_run"],
    )


def _make(loop: Loop, night: str, found: dict[str, Any], path: Path) -> None:
    import pandas as pd

    registry, thresholds = dataset.registry(), {name: limit for name, (_, limit) in found["columns"].items()}
    revision = found.get("revision") or nights.revision(registry, loop, night)  # a look of before says none
    if drift.inputs(loop, registry, found["champion"], revision) != found["inputs"]:
        raise DataError(
            f"The rows that the night of {night} of {loop.name} compared have been corrected since. Compare them anew: "
            f"ratchet step drift --loop {loop.name} --partition {night}"
        )
    rows = feature_days.of_range(registry, loop, revision, shift(night, 1 - loop.monitor.window_days), night)
    with runs.connected() as client:
        champion = models.version(client, loop.name, found["champion"])
        past = pd.read_parquet(io.BytesIO(records.file(loop, client, champion.run_id, reference.REFERENCE)))
        past = past[[name for name in past if name in thresholds]]
        current = watched.columns(loop, proven.version_model(loop, champion), rows)
        frame = watched.plain(current).to_pandas()
        page, numbers = drift_report.make(frame, past, *watched.kinds(current), thresholds)
        kept = f"drift/{night}{path.stem.removeprefix('drift')}"
        runs.log_files(client, champion.run_id, {f"{kept}.html": page, f"{kept}.json": numbers})
    write_text(path, page)
