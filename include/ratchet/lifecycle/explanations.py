"""The rows that an alarm of loss is explained by: a champion's latest labelled days, and its holdout.

Like is compared with like: the holdout is answered by the model that was judged, as its own first look was, and by the
data of then; the live days are what the world was told. Both have the features of the contract of now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ratchet.adapters import models
from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.lifecycle import (
    dataset,
    evaluations,
    evidence,
    feature_days,
    intercepts,
    nights,
    predictions,
    proven,
    records,
)
from ratchet.monitoring import explanation, slices
from ratchet.monitoring.explanation import Explanation, Side
from ratchet.training import evaluation, value

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.adapters.runs import Tracking

LATEST = 14  # labelled days, or the monitor's window where that is longer: of seven a slice's loss has to double


def of_champion(loop: Loop, client: Tracking, night: str, version: str, live: Sequence[str]) -> Explanation:
    """Explain the rise of a champion's loss on its latest live days over its holdout's, as a night knows them.

    live: its labelled days. Raises DataError where there are too few days, and where the rows cannot be had.
    """
    (theirs, before), (ours, after) = sides(loop, client, night, version, live)
    categorical, numeric = features.names(loop, after.column_names)
    asked = [*dict.fromkeys([*categorical, *(loop.gate.slices.columns if loop.gate.slices else ())])]
    plain = [name for name in numeric if name not in asked]
    return explanation.explain(theirs, ours, slices.columns(before, after, asked, plain))


def sides(
    loop: Loop, client: Tracking, night: str, version: str, live: Sequence[str]
) -> tuple[tuple[Side, pa.Table], tuple[Side, pa.Table]]:
    """Return the losses and the rows of a champion's holdout, and of its latest live days; as of `of_champion`."""
    latest = sorted(live)[-max(LATEST, loop.monitor.window_days) :]
    if not latest:
        raise DataError(f"no live day of v{version} has labels yet")
    registry, run = dataset.registry(), evidence.judged_run(loop, models.version(client, loop.name, version))
    holdout = _holdout(loop, registry, run, sorted(evaluations.read(loop, run).days))
    return holdout, _live(loop, registry, nights.revision(registry, loop, night), version, latest)


def _holdout(loop: Loop, registry: Registry, run: str, days: Sequence[str]) -> tuple[Side, pa.Table]:
    """Return the losses and the rows of a run's holdout, answered as when it was judged."""
    revision, model = records.read(loop, run).data["revision"], proven.answering(loop, run)
    rows = feature_days.of_days(registry, loop, revision, days)
    rows = rows.filter(rows.column(loop.target.name).is_valid())
    shifts = intercepts.shifts(registry, loop, revision, run, days, model)
    return _side(evaluation.losses(loop, rows, evaluation.of_model(model, rows, shifts)), rows)


def _live(loop: Loop, registry: Registry, revision: str, version: str, days: Sequence[str]) -> tuple[Side, pa.Table]:
    """Return the losses and the rows of what a version has told the world of days, where it had not seen them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows, said = feature_days.of_days(registry, loop, revision, days), [predictions.told(loop, day) for day in days]
    mine = pc.field(predictions.VERSION) == version
    told = pa.concat_tables(
        [predictions.unseen(each).filter(mine) for each in said if each is not None], promote_options="default"
    )
    target, predicted, joined = predictions.paired(loop, told, rows)
    own = predictions.beside(loop, joined, rows)
    return _side(value.losses(loop, target, predicted, lambda: own, predictions.classes(joined)), own)


def _side(losses: NDArray[np.float64], rows: pa.Table) -> tuple[Side, pa.Table]:
    """Return the rows that have a finite loss, and it."""
    import pyarrow as pa

    there = np.isfinite(losses)
    own = rows.filter(pa.array(there))
    days = own.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str)
    return Side(days, losses[there]), own
