"""Score: predict every row of a partition with the champion, the model's version on every row.

A prediction once made stays: it is what the world was told that day. When a corrected delivery is scored, rows that have
one keep it and only new rows get one from the champion of today.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.adapters import dataset, tracking
from ratchet.data import features, tables
from ratchet.loop import Loop
from ratchet.settings import Settings
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.training.model import Model

VERSION = "model_version"


class Request(Base):
    """partition: the day to score. revision: of the data registry, by default the newest."""

    partition: str
    revision: str = ""


class Result(BaseResult):
    """rows: predictions there are now, of which `new` were made by this call, by `version`."""

    partition: str
    rows: int = 0
    new: int = 0
    version: str | None = None


def run(loop: Loop, request: Request) -> Result:
    """Score the rows of the partition that have no prediction yet."""
    registry = dataset.registry()
    revision = registry.resolve(request.revision or "HEAD")
    day, path = request.partition, file(loop, request.partition)
    with tracking.connected() as client:
        champion = tracking.champion(client, loop.name)
        if champion is None:
            return Result(reason=f"{loop.name} has no champion yet: nothing is scored", outcome="skipped", partition=day)
        rows = dataset.features(registry, loop, revision, day, day)
        held = tables.read_table(path) if path.exists() else None
        fresh = _without(rows, held, list(loop.main_table.key)) if held is not None else rows
        if held is not None and not fresh.num_rows:
            return Result(
                reason=f"{held.num_rows:,} rows of {day} have their predictions", outcome="unchanged",
                partition=day, rows=held.num_rows, version=champion.number,
            )  # fmt: skip
        made = predict(loop, tracking.version_model(champion), fresh, champion.number)
    import pyarrow as pa

    whole = pa.concat_tables([held, made], promote_options="default") if held is not None else made
    tables.write_table(whole, path)
    return Result(
        reason=f"scored {made.num_rows:,} rows of {day} with v{champion.number}",
        partition=day, rows=whole.num_rows, new=made.num_rows, version=champion.number,
    )  # fmt: skip


def file(loop: Loop, partition: str) -> Path:
    """Say where the predictions of a partition lie."""
    return Settings.current().predictions / loop.name / f"{partition}.parquet"


def predict(loop: Loop, model: Model, rows: pa.Table, version: str) -> pa.Table:
    """Predict rows: key, event_time, `prediction` (and, for classes, `probability_<class>`), `model_version`."""
    import numpy as np
    import pyarrow as pa

    keys = [*loop.main_table.key, features.EVENT_TIME]
    table = rows.select(keys)
    values = model.predict(rows)
    if values.ndim == 2:
        classes = model.encoder.classes
        chosen = np.array([*classes], dtype=object)[values.argmax(axis=1)] if len(values) else []
        table = table.append_column("prediction", pa.array(list(chosen), pa.string()))
        for i, name in enumerate(classes):
            table = table.append_column(f"probability_{name}", pa.array(values[:, i]))
    else:
        table = table.append_column("prediction", pa.array(values))
    return table.append_column(VERSION, pa.array([version] * table.num_rows, pa.string()))


def _without(rows: pa.Table, held: pa.Table, keys: list[str]) -> pa.Table:
    joined = rows.join(held.select(keys), keys=keys, join_type="left anti")
    return joined.select(rows.column_names).sort_by([(key, "ascending") for key in keys])
