"""Who stands for a model in a duel, day by day, and what it predicts there.

Not a step, but what `evaluate`, `score`, `performance` and `duel` share. A refit has seen the days it would be judged
on; there the evaluated model, the version of the same recipe that was judged and not shown them, stands in its place.

What the world is told has no such stand-in: a day that came late, was corrected or is scored again may be answered by
a model that has learnt it since. Such a prediction is told, marked, and counts in no loss and in no duel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.data import features, tables
from ratchet.decisions import duel, shadows
from ratchet.decisions.entries import Promoted, only
from ratchet.errors import DataError
from ratchet.files import slug
from ratchet.lifecycle import dataset, intercepts, proven, records
from ratchet.lifecycle.records import Record
from ratchet.settings import Settings
from ratchet.training import intercept, value
from ratchet.training.baseline import Baseline
from ratchet.training.intercept import Shift
from ratchet.training.value import Measure

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

EVALUATED = "ratchet.evaluated_run"  # tag of a refit's run, for people: the run of the model that was judged
VERSION = "model_version"
SEEN = "seen"  # whether the model was trained on the day that it was asked about, or on later ones


@dataclass(frozen=True)
class Contender:
    """A model that competes: the runs that may stand for it."""

    # (MLflow run, or the name of a baseline; last day it was trained on): the first that has not seen a day stands.
    runs: tuple[tuple[str, str], ...]
    told: frozenset[str] = frozenset()  # versions by whose words to the world it is known first, where there are any

    def on(self, day: str) -> str | None:
        """Return the run that stands on a day; None where all have seen it."""
        return next((run for run, until in self.runs if not duel.seen(day, until)), None)


def contender(loop: Loop, run: str) -> Contender:
    """Return the contender of a run: itself, and the evaluated model behind it where it is a refit.

    run: an MLflow run, or the name of a baseline (`shadows.baseline`). Raises DataError where it is not there.
    """
    of = shadows.trained_with(run)
    record = records.read(loop, of or run)
    behind = [record, *([records.read(loop, record.evaluated)] if record.evaluated else [])]
    if of is None:
        return Contender(tuple((each.run, each.trained[1]) for each in behind))
    baseline(record)
    known = [(shadows.baseline(each.run), each.baseline.until) for each in behind if each.baseline]
    return Contender(tuple(known))


def baseline(record: Record) -> Baseline:
    """Return the baseline of a training. Raises DataError where it has none."""
    if record.baseline is None:
        raise DataError(
            f"The MLflow run {record.run} has no baseline: it was trained before there were any. Train again"
        )
    return record.baseline


def predict(loop: Loop, model: Model, rows: pa.Table, version: str, seen: bool, shift: Shift = ()) -> pa.Table:
    """Predict rows: key, event_time, `prediction` (and, for classes, `probability_<class>`), `model_version`, `seen`.

    Where the contract has costs there is what they decide too, `decision`: a class, or 0 and 1 as the target has them.
    seen: whether the model has seen the day of the rows. shift: of its answers (`intercepts.shift`), kept beside them
    in `intercept`, or `intercept_<class>`.
    """
    return _table(loop, rows, model.predict(rows), model.encoder.classes, version, seen, shift)


def predict_baseline(loop: Loop, record: Record, rows: pa.Table, seen: bool, shift: Shift = ()) -> pa.Table:
    """Predict rows by the baseline of a training, as `predict` does; the version is its name.

    Raises DataError where the training has none.
    """
    plain = baseline(record)
    return _table(loop, rows, plain.predict(rows.num_rows), plain.classes, shadows.baseline(record.run), seen, shift)


def _table(
    loop: Loop,
    rows: pa.Table,
    values: NDArray[np.float64],
    classes: tuple[str, ...],
    version: str,
    seen: bool,
    shift: Shift,
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    values = intercept.add(loop.task, values, shift)
    table = rows.select([*loop.main_table.key, features.EVENT_TIME])
    if values.ndim == 2:
        chosen = np.array([*classes], dtype=object)[values.argmax(axis=1)] if len(values) else []
        table = table.append_column("prediction", pa.array(list(chosen), pa.string()))
        for i, name in enumerate(classes):
            table = table.append_column(f"{value.PROBABILITY}{name}", pa.array(values[:, i]))
    else:
        table = table.append_column("prediction", pa.array(values))
    if value.decides(loop):
        table = table.append_column("decision", _decision(loop, rows, values, classes))
    for name, each in zip([f"intercept_{name}" for name in classes] or ["intercept"], shift, strict=False):
        table = table.append_column(name, pa.array([each] * table.num_rows, pa.float64()))
    table = table.append_column(VERSION, pa.array([version] * table.num_rows, pa.string()))
    return table.append_column(SEEN, pa.array([seen] * table.num_rows, pa.bool_()))


def _decision(loop: Loop, rows: pa.Table, values: NDArray[np.float64], classes: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    said = value.decided(loop, values, classes)
    if loop.task == "multiclass":
        return pa.array([classes[each] for each in said], pa.string())
    known = loop.target.name in rows.column_names and pa.types.is_boolean(rows.schema.field(loop.target.name).type)
    return pa.array(said).cast(pa.bool_()) if known else pa.array(said)


def shadow(source: Registry, loop: Loop, revision: str, run: str, rows: pa.Table, day: str) -> pa.Table:
    """Return what a run predicts for a day's rows, in shadow: nobody is told. Made once a row, and kept.

    run: an MLflow run, or the name of a baseline (`shadows.baseline`). revision: of the data registry, by whose labels
    its answers are shifted.
    """
    import pyarrow as pa

    of = shadows.trained_with(run)
    record = records.read(loop, of or run)
    path, until = folder(loop, run) / f"{day}.parquet", baseline(record).until if of else record.trained[1]
    keys = list(loop.main_table.key)
    held = _marked(tables.read_table(path), day, lambda _: until) if path.exists() else None
    fresh = without(rows, held, keys) if held is not None else rows
    if held is not None and not fresh.num_rows:
        return held
    seen, model = duel.seen(day, until), None if of else proven.answering(loop, run)
    shift = intercepts.shift(source, loop, revision, run, day, model)
    if model is None:
        made = predict_baseline(loop, record, fresh, seen, shift)
    else:
        made = predict(loop, model, fresh, run, seen, shift)
    whole = pa.concat_tables([held, made], promote_options="default") if held is not None else made
    tables.write_table(whole, path)
    return whole


def folder(loop: Loop, run: str) -> Path:
    """Say where a run's shadow predictions lie."""
    return Settings.current().predictions / loop.name / "shadow" / slug(run)


def live(loop: Loop, day: str) -> Path:
    """Say where the predictions of a day lie that the world was told."""
    return Settings.current().predictions / loop.name / f"{day}.parquet"


def told(loop: Loop, day: str) -> pa.Table | None:
    """Return what the world was told of a day, every row marked; None where it was told nothing."""
    path = live(loop, day)
    if not path.exists():
        return None
    return _marked(tables.read_table(path), day, lambda version: trained(loop).get(version, ""))


def trained(loop: Loop) -> dict[str, str]:
    """Return the last day that each version was trained on, as the ledger has it."""
    promoted = only(dataset.registry().ledger(loop.name), Promoted)
    return {each.version: str(each.data.get("train") or "").partition("..")[2] for each in promoted}


def unseen(predicted: pa.Table) -> pa.Table:
    """Return the predictions that count: those of models that have not seen the day."""
    import pyarrow.compute as pc

    return predicted.filter(pc.invert(predicted.column(SEEN)))


def losses(
    loop: Loop, predicted: pa.Table, rows: pa.Table, measure: Measure = value.losses
) -> dict[tuple[object, ...], float]:
    """Return the loss of each row that has a prediction and a label, by the row's key; or what it costs."""
    keys = list(loop.main_table.key)
    target, values, joined = paired(loop, predicted, rows)
    found = measure(loop, target, values, lambda: beside(loop, joined, rows), classes(joined))
    return dict(zip(zip(*(joined.column(key).to_pylist() for key in keys), strict=True), found.tolist(), strict=True))


def paired(
    loop: Loop, predicted: pa.Table, rows: pa.Table
) -> tuple[NDArray[np.float64], NDArray[np.float64], pa.Table]:
    """Put predictions and labels side by side: target, prediction, and the joined table, sorted by key."""
    import numpy as np
    import pyarrow as pa

    keys = list(loop.main_table.key)
    labels = rows.select(list(dict.fromkeys([*keys, loop.target.name]))).filter(
        rows.column(loop.target.name).is_valid()
    )
    joined = predicted.join(labels, keys=keys, join_type="inner").sort_by([(key, "ascending") for key in keys])
    target = joined.column(loop.target.name)
    if loop.task != "multiclass":
        return target.cast(pa.float64()).to_numpy(), probabilities(loop, joined), joined
    index = {name: i for i, name in enumerate(classes(joined))}
    codes = np.array([index.get(str(value), -1) for value in target.to_pylist()], dtype=float)
    return codes, probabilities(loop, joined), joined


def beside(loop: Loop, joined: pa.Table, rows: pa.Table) -> pa.Table:
    """Return the rows of what `paired` has joined, in its order: their features and targets too."""
    keys = list(loop.main_table.key)
    found = joined.select(keys).join(rows, keys=keys, join_type="inner")
    return found.sort_by([(key, "ascending") for key in keys])


def classes(predicted: pa.Table) -> tuple[str, ...]:
    """Return the classes whose probabilities a table has; nothing of another task."""
    names = [name for name in predicted.column_names if name.startswith(value.PROBABILITY)]
    return tuple(name.removeprefix(value.PROBABILITY) for name in names)


def probabilities(loop: Loop, predicted: pa.Table) -> NDArray[np.float64]:
    """Return the predictions of a table as a model gives them: (n,) probability or value, (n, k) for multiclass."""
    import numpy as np
    import pyarrow as pa

    if loop.task != "multiclass":
        return np.asarray(predicted.column("prediction").cast(pa.float64()).to_numpy())
    names = [f"{value.PROBABILITY}{name}" for name in classes(predicted)]
    return np.column_stack([predicted.column(name).fill_null(0.0).to_numpy() for name in names])


def without(rows: pa.Table, held: pa.Table, keys: list[str]) -> pa.Table:
    """Return the rows that have no prediction yet."""
    joined = rows.join(held.select(keys), keys=keys, join_type="left anti")
    return joined.select(rows.column_names).sort_by([(key, "ascending") for key in keys])


def _marked(predicted: pa.Table, day: str, until: Callable[[str], str]) -> pa.Table:
    """Mark the rows of a day that were predicted before predictions were marked.

    until: the last day that a version was trained on; empty where nobody knows, and then it has seen nothing.
    """
    import pyarrow as pa

    marks = predicted.column(SEEN).to_pylist() if SEEN in predicted.column_names else [None] * predicted.num_rows
    if None not in marks:
        return predicted
    versions = predicted.column(VERSION).to_pylist()
    found = {version: duel.seen(day, until(version)) for version in {*versions}}
    marks = [found[version] if mark is None else mark for version, mark in zip(versions, marks, strict=True)]
    bare = predicted.select([name for name in predicted.column_names if name != SEEN])
    return bare.append_column(SEEN, pa.array(marks, pa.bool_()))
