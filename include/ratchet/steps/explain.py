"""Explain: make what people look at and no decision rests on, after it: Evidently's page of a night, SHAP of a model.

It is made once, on an alarm, with a question to a person, or when somebody looks.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from ratchet.adapters import drift_report, models, runs
from ratchet.contract.loop import Loop
from ratchet.errors import DataError, RequestError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, feature_days, nights, proven, records
from ratchet.monitoring import reference, watched
from ratchet.partitions import Partition, shift
from ratchet.reports import importance
from ratchet.settings import Settings
from ratchet.steps import Key, StepRequest, StepResult, drift, snapshot
from ratchet.training import probes


class ExplainRequest(StepRequest):
    """What to explain: a night, or a training."""

    partition: Partition = Field(default="", description="The night that was compared; or")
    run: Key = Field(default="", description="the key of the training whose model is explained.")


class ExplainResult(StepResult):
    """What was made."""

    pages: tuple[str, ...] = ()  # of a night, Evidently's, one a look at it; of a training, that of its model
    mlflow_run: str | None = None  # which keeps them too: the champion's, or the training's


def run(loop: Loop, request: ExplainRequest) -> ExplainResult:
    """Make what is missing; a page that is there stays. Who asks while it is made waits, and makes nothing.

    A night's page is made from the rows that it compared. Raises RequestError where neither or both are named, and
    DataError where there is nothing to explain, or the rows are no longer those of then.
    """
    if bool(request.partition) == bool(request.run):
        raise RequestError("The step explain takes a night or a training: give --partition DAY, or --run KEY")
    with _alone(loop):
        return _night(loop, request.partition) if request.partition else _training(loop, request.run)


def _night(loop: Loop, night: str) -> ExplainResult:
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
        pages=tuple(str(path) for path in pages),
        mlflow_run=next(iter(seen.values()))["mlflow_run"],
    )


def _make(loop: Loop, night: str, found: dict[str, Any], path: Path) -> None:
    import pandas as pd

    furthest = sorted(found["columns"].items(), key=lambda each: -each[1][0] / each[1][1])
    registry, thresholds = dataset.registry(), {name: limit for name, (_, limit) in furthest}
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
        current = watched.columns(loop, proven.version_model(loop, champion), rows).select([*thresholds])
        frame = watched.plain(current).to_pandas()
        page, numbers = drift_report.make(frame, past[[*thresholds]], *watched.kinds(current), thresholds)
        kept = f"drift/{night}{path.stem.removeprefix('drift')}"
        runs.log_files(client, champion.run_id, {f"{kept}.html": page, f"{kept}.json": numbers})
    write_text(path, page)


def _training(loop: Loop, key: str) -> ExplainResult:
    loop = snapshot.contract(loop, key)
    trained = records.trained_run(loop, key)
    path = importance.path(loop, trained)
    made = not path.exists()
    if made:
        rows = snapshot.read(loop, snapshot.pinned(loop, key).snapshot, snapshot.HOLDOUT)
        sizes = probes.importance(proven.answering(loop, trained), rows, loop.training.seed)
        page = importance.page(loop, trained, sizes)
        with runs.connected() as client:
            files = {f"report/{importance.NAME}.html": page, f"report/{importance.NAME}.json": json.dumps(sizes)}
            runs.log_files(client, trained, files)
        write_text(path, page)
    return ExplainResult(
        reason=f"what the predictions of {key} come from: {path.name}",
        outcome="done" if made else "unchanged",
        pages=(str(path),),
        mlflow_run=trained,
    )


@contextlib.contextmanager
def _alone(loop: Loop) -> Iterator[None]:
    """Let one process of a loop at a time explain: somebody may look while a task makes the same page."""
    folder = Settings.current().reports / loop.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".explain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
