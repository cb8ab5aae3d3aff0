"""Measure a challenger beside the champion on held-out rows: what the gate asks for, whoever brings the predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ratchet.contract.loop import Loop, Task
from ratchet.data import features
from ratchet.decisions import duel, hypothesis
from ratchet.training import baseline as baselines_of
from ratchet.training import behaviour, intercept, latency, probes, value
from ratchet.training.intercept import Shift
from ratchet.training.metrics import ORDERS, measure, measured

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.baseline import Baseline
    from ratchet.training.model import Model

    Vector = NDArray[np.float64]

Asked = TypeVar("Asked")
Answer = tuple["Vector", "Vector", tuple[str, ...]]  # target, prediction and, of multiclass, the classes of both
Shifts = Mapping[str, Shift]  # day -> what a model's answers of it are shifted by; nothing on days that are not there


@dataclass(frozen=True)
class Side:
    """What a model says of rows."""

    rows: NDArray[np.bool_]  # (n,): which of the holdout's
    target: Vector  # of those, as the model encodes them
    prediction: Vector  # of those, as the model encodes them
    classes: tuple[str, ...] = ()  # of multiclass, in the order that both are encoded in
    shifts: Shifts = field(default_factory=dict)  # of the predictions


def of_model(model: Model, rows: pa.Table, shifts: Shifts = MappingProxyType({})) -> Side:
    """Let a model predict all rows."""
    said = shifted(model.encoder.task, model.predict(rows), _days(rows), shifts)
    target, classes = model.encoder.target_values(rows), model.encoder.classes
    return Side(np.ones(rows.num_rows, dtype=bool), target, said, classes, shifts)


def of_models(models: dict[str, Model], rows: pa.Table, shifts: Shifts = MappingProxyType({})) -> Side:
    """Let a model a day predict the rows of its day; days that are not there are left out."""

    def answer(model: Model, own: pa.Table, shift: Shift) -> Answer:
        said = intercept.add(model.encoder.task, model.predict(own), shift)
        return model.encoder.target_values(own), said, model.encoder.classes

    return _by_day(models, rows, answer, shifts)


def of_baselines(
    loop: Loop, baselines: dict[str, Baseline], rows: pa.Table, shifts: Shifts = MappingProxyType({})
) -> Side:
    """Let a baseline a day answer for the rows of its day."""

    def answer(plain: Baseline, own: pa.Table, shift: Shift) -> Answer:
        said = intercept.add(loop.task, plain.predict(own.num_rows), shift)
        return baselines_of.targets(loop, own, plain.classes), said, plain.classes

    return _by_day(baselines, rows, answer, shifts)


def shifted(task: Task, said: Vector, days: NDArray[np.str_], shifts: Shifts) -> Vector:
    """Shift the answers of each day by its own. said: (n,) or (n, k); days: (n,), of the rows."""
    found = said.copy() if shifts else said
    for day, shift in shifts.items():
        own = days == day
        found[own] = intercept.add(task, said[own], shift)
    return found


def _days(rows: pa.Table) -> NDArray[np.str_]:
    return np.asarray(rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str))


def _by_day(
    asked: Mapping[str, Asked],
    rows: pa.Table,
    answer: Callable[[Asked, pa.Table, Shift], Answer],
    shifts: Shifts,
) -> Side:
    """Let each day's rows be answered by who is asked that day, in the order of the rows."""
    days = _days(rows)
    chosen = np.isin(days, list(asked))
    places = {str(day): np.flatnonzero(days == day) for day in np.unique(days[chosen])}
    if not places:
        return Side(chosen, np.zeros(0), np.zeros(0))
    order = np.argsort(np.concatenate([*places.values()]))
    targets, said, classes = together(
        [answer(asked[day], rows.take(where), shifts.get(day, ())) for day, where in places.items()]
    )
    return Side(chosen, targets[order], said[order], classes, shifts)


def together(answers: Sequence[Answer]) -> Answer:
    """Join answers, one after the other. Where they are of different classes, all are encoded by the classes of all.

    A class that a model does not know has no probability; a target that it does not know stays unknown.
    """
    targets, said, known = zip(*answers, strict=True)
    classes = tuple(dict.fromkeys(name for each in known for name in each))
    if any(each != classes for each in known):
        places = [np.array([classes.index(name) for name in each], dtype=int) for each in known]
        targets = tuple(
            np.where(each >= 0, own[np.maximum(each, 0).astype(int)], -1.0)
            for each, own in zip(targets, places, strict=True)
        )
        wide = [np.zeros((len(each), len(classes))) for each in said]
        for each, own, narrow in zip(wide, places, said, strict=True):
            each[:, own] = narrow
        said = tuple(wide)
    return np.concatenate(targets), np.concatenate(said), classes


def losses(loop: Loop, rows: pa.Table, side: Side) -> Vector:
    """Return the losses of the rows of a side. rows: of all sides."""
    return value.losses(loop, side.target, side.prediction, lambda: rows.filter(side.rows), side.classes)


def against(loop: Loop, rows: pa.Table, ours: Side, theirs: Side) -> list[list[Any]]:
    """Compare two sides alone: the days of their duel, as they are stored. ours: of all rows."""
    days = _days(rows)[theirs.rows]
    return duel.dump(duel.cluster(days, losses(loop, rows, ours)[theirs.rows], losses(loop, rows, theirs)))


def compare(
    loop: Loop,
    rows: pa.Table,
    ours: Side,
    theirs: Side | None,
    plain: Baseline | None = None,
    shifts: Shifts = MappingProxyType({}),
    before: float | None = None,
) -> dict[str, Any]:
    """Compare challenger and champion row by row: losses by day, the duel's clusters, metrics, slices and fairness.

    theirs: the rows that neither has seen; None where there is no champion. plain: the baseline that was trained with
    the challenger, on the same rows; None where it has none. shifts: of the baseline's answers. before: the champion's
    loss at its own first look; None where it has none in this loss. The metrics of challenger and baseline are over all
    rows, the champion's over those that are compared.
    """
    days = _days(rows)
    own = losses(loop, rows, ours)
    others = np.full(len(days), np.nan)
    fair = theirs.rows if theirs is not None else np.zeros(len(days), dtype=bool)
    metrics = {"challenger": measured(loop, ours.target, ours.prediction)}
    if theirs is not None and fair.any():
        others[fair] = losses(loop, rows, theirs)
        metrics["champion"] = measured(loop, theirs.target, theirs.prediction)
    constant, usual = np.zeros(0), None
    if plain is not None:
        usual = Side(ours.rows, ours.target, shifted(loop.task, plain.predict(len(days)), days, shifts), plain.classes)
        constant = losses(loop, rows, usual)
        metrics["baseline"] = _of_constant(loop, ours.target, usual.prediction)
    daily: dict[str, Any] = {}
    for day in np.unique(days):
        of_day = days == day
        daily[str(day)] = {"rows": int(of_day.sum()), "challenger": float(own[of_day].mean())}
        if fair[of_day].any():
            daily[str(day)]["champion"] = float(others[of_day].mean())
        if plain is not None:
            daily[str(day)]["baseline"] = float(constant[of_day].mean())
    gate, sliced, few = loop.gate, {}, None
    if gate.slices and fair.any():
        few = probes.small(rows.filter(fair), gate.slices.columns, gate.slices.rows)
        for name, of_slice in probes.levels(rows.filter(fair), gate.slices.columns, gate.slices.rows):
            sliced[name] = duel.dump(duel.cluster(days[fair][of_slice], own[fair][of_slice], others[fair][of_slice]))
    told = {"challenger": ours.shifts, "champion": theirs.shifts if theirs is not None else {}, "baseline": shifts}
    champion_loss = float(others[fair].mean()) if fair.any() else None
    clusters = duel.cluster(days, own, constant if plain is not None else own)
    usually = _usually(loop, plain) if before is None else before
    return {
        "loss": loop.measured_in,
        "rows": rows.num_rows,
        "days": daily,
        "shifts": {who: {day: [*each] for day, each in held.items()} for who, held in told.items()},
        "metrics": metrics,
        "compared": duel.dump(duel.cluster(days[fair], own[fair], others[fair])) if theirs is not None else None,
        "challenger_loss": float(own.mean()),
        "champion_loss": champion_loss,
        "usual_loss": usually,
        "baseline": duel.dump(clusters) if plain is not None else None,
        "baseline_loss": float(constant.mean()) if plain is not None else None,
        "baseline_words": plain.words if plain is not None else "",
        "value": _value(loop, rows, ours, theirs if fair.any() else None, usual),
        "too_few": hypothesis.too_few(loop, clusters, usually or champion_loss or float(own.mean())),
        "slices": sliced,
        "small_slices": few,
        "fairness": probes.fairness(gate.fairness, rows, ours.target, ours.prediction) if gate.fairness else {},
    }


def _usually(loop: Loop, plain: Baseline | None) -> float | None:
    """Return what the baseline lost week by week before the holdout; None where it did not, or in another loss."""
    return min(plain.losses.values(), default=None) if plain and loop.learnt_loss == loop.loss else None


def _value(loop: Loop, rows: pa.Table, ours: Side, theirs: Side | None, usual: Side | None) -> dict[str, Any] | None:
    """Return what a row costs by challenger, champion and baseline, on average; and the days, in the contract's unit.

    The days are the challenger's less the champion's or, where there is none to compare with, the baseline's; daily is
    what the rows of a day cost in all by either.
    """
    if loop.gate.value is None:
        return None

    def cost(side: Side) -> Vector:
        return value.costs(loop, side.target, side.prediction, lambda: rows.filter(side.rows), side.classes)

    own, other = cost(ours), theirs or usual
    found: dict[str, Any] = {"unit": loop.gate.value.unit, "challenger": float(own.mean())}
    found |= {
        who: float(cost(side).mean()) if side else None for who, side in (("champion", theirs), ("baseline", usual))
    }
    if other is None:
        return {**found, "against": "", "days": [], "daily": {}}
    against, days = "champion" if theirs else "baseline", _days(rows)[other.rows]
    sides = {"challenger": own[other.rows], against: cost(other)}
    daily = {str(day): {who: float(each[days == day].sum()) for who, each in sides.items()} for day in np.unique(days)}
    return {**found, "against": against, "days": duel.dump(duel.cluster(days, *sides.values())), "daily": daily}


def _of_constant(loop: Loop, target: Vector, said: Vector) -> dict[str, float]:
    """Measure a baseline; how rows are ordered, and a metric of the loop's own that takes no constant, is left out."""
    try:
        found = measured(loop, target, said)
    except Exception:  # noqa: BLE001 (whatever the loop's own code raises)
        found = measure(loop.task, target, said)
    return {name: value for name, value in found.items() if name not in ORDERS}


def probe(loop: Loop, model: Model, rows: pa.Table) -> dict[str, Any]:
    """Ask a model what the gate asks of it alone: its behaviour, and its latency."""
    timed = latency.within(model, rows, loop.gate.latency_ms)
    return {
        "behaviour": behaviour.run(model, behaviour.read(loop)),
        "latency_ms": timed.ms,
        "latency_wall_ms": timed.wall_ms,
    }


def of_refit(loop: Loop, rows: pa.Table, ours: Side, evaluated: Side) -> dict[str, Any]:
    """Measure a refit beside the evaluated model, on the holdout that only the latter has not seen.

    What `compare` says of challenger and champion is of these two; `distance` is that of their predictions.
    """
    found = compare(loop, rows, ours, evaluated)
    metrics = {"challenger": found["metrics"]["challenger"], "evaluated": found["metrics"].get("champion", {})}
    alone: dict[str, Any] = {"champion": None, "unaccepted": {}, "first": None}
    return {**found, **alone, "metrics": metrics, "distance": distance(ours.prediction, evaluated.prediction)}


def distance(ours: Vector, theirs: Vector) -> float:
    """Return the mean distance of predictions, in standard deviations of the second.

    Infinite where one is not a number.
    """
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - theirs).mean() / max(float(theirs.std()), 1e-9)) if ours.size else 0.0


def signature(model: Model) -> dict[str, Any]:
    """Return inputs and outputs of a model, as a caller has to know them."""
    encoder = model.encoder
    return {
        "inputs": {name: "category" if name in encoder.vocabularies else "number" for name in encoder.features},
        "outputs": [encoder.task, *encoder.classes],
    }
