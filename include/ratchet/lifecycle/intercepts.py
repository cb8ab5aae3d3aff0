"""By how much a run's answers of a day are shifted: what `evaluate`, `score`, `performance` and `duel` share.

It is learnt from labelled days at a revision, on which the run is asked once; what they have shown is kept, and can be
made again:

    <var>/predictions/<loop>/intercepts/<run>.json   day -> what its sums are of, loss and data, and they
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.decisions import shadows
from ratchet.files import slug, write_text
from ratchet.lifecycle import dataset, feature_days, proven, records
from ratchet.settings import Settings
from ratchet.training import baseline, intercept
from ratchet.training.baseline import Baseline
from ratchet.training.intercept import Shift, Sums

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

    Vector = NDArray[np.float64]


def shift(source: Registry, loop: Loop, revision: str, run: str, day: str, model: Model | None = None) -> Shift:
    """Return what a run's answers of a day are shifted by; () where nothing is known of it, or it is not shifted.

    run: an MLflow run, or the name of a baseline (`shadows.baseline`). revision: of the data registry. model: the
    run's, where it is loaded already.
    """
    return shifts(source, loop, revision, run, [day], model).get(day, ())


def shifts(
    source: Registry, loop: Loop, revision: str, run: str, days: Sequence[str], model: Model | None = None
) -> dict[str, Shift]:
    """Return what a run's answers of days are shifted by, of those that are; `shift` is of one."""
    of = shadows.trained_with(run)
    record = records.read(loop, of or run)
    if not record.intercept or not days or (of and not record.baseline):
        return {}
    plain = record.baseline if of else None
    until, most = plain.until if plain else record.trained[1], record.intercept
    published = dataset.published(source, loop, revision, until, max(days))
    wanted = {day: intercept.learnt_from(published, until, day, loop.label_delay_days, most) for day in days}
    asked = sorted({day for learnt in wanted.values() for day in learnt})
    held = _sums(source, loop, revision, run, asked, plain or model)
    found = {day: intercept.learn(loop.task, [held[each] for each in learnt]) for day, learnt in wanted.items()}
    return {day: each for day, each in found.items() if each}


def _sums(
    source: Registry, loop: Loop, revision: str, run: str, days: Sequence[str], asked: Baseline | Model | None
) -> dict[str, Sums]:
    """Return what days have shown of a run; those that are new, or published anew, it is asked about."""
    path = Settings.current().predictions / loop.name / "intercepts" / f"{slug(run)}.json"
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    published = feature_days.names(source, loop, revision, days)
    names = {day: f"{loop.learnt_loss}:{name}" for day, name in published.items()}
    fresh = [day for day in days if kept.get(day, {}).get("of") != names[day]]
    for day, made in _asked(source, loop, revision, run, fresh, asked).items():
        kept[day] = {"of": names[day], **asdict(made)}
    if fresh:
        write_text(path, json.dumps(dict(sorted(kept.items()))))
    return {day: Sums(kept[day]["rows"], tuple(kept[day]["target"]), tuple(kept[day]["said"])) for day in days}


def _asked(
    source: Registry, loop: Loop, revision: str, run: str, days: Sequence[str], asked: Baseline | Model | None
) -> dict[str, Sums]:
    """Ask a run about the rows of days, a day at a time: what it answers as it was fitted, beside their targets.

    asked: what answers for it; None where its model is to be loaded, if there are days.
    """
    found: dict[str, Sums] = {}
    if not days:
        return found
    asked = asked or proven.answering(loop, run)

    def answered(rows: pa.Table) -> tuple[Vector, Vector]:
        if isinstance(asked, Baseline):
            return baseline.targets(loop, rows, asked.classes), asked.predict(rows.num_rows)
        return asked.encoder.target_values(rows), asked.predict(rows)

    for day in days:
        rows = feature_days.of_days(source, loop, revision, [day])
        labelled = rows.filter(rows.column(loop.target.name).is_valid())
        found[day] = intercept.sums(loop, *answered(labelled))
    return found
