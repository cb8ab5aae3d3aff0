"""A baseline: the constant answer that a training's targets alone teach, beside which its model has to stand.

It is learnt from the whole training window or from its last week, whichever has answered each week of the window
better by what was known before that week (prequentially: Dawid 1984, "Statistical theory: the prequential approach").
Classes are answered by their shares, each class with half a row more than was seen (Krichevsky & Trofimov 1981, "The
performance of universal encoding"), so that one that was not seen costs much and not infinitely much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.contract.loop import Loop
from ratchet.contract.part import Part
from ratchet.partitions import days_between, shift
from ratchet.training import encoding
from ratchet.training.metrics import row_losses

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

WINDOW, WEEK = "training window", "last week"  # what a baseline may be learnt from; of two alike the first
POINTS = 256  # values that stand for a day's in a median: with more rows its rank is right within a 512th of the day
_WEEK = 7  # days


class Baseline(Part):
    """A constant answer."""

    kind: str  # in words, as `class shares of the last week`
    values: tuple[float, ...]  # the answer: probability or value; for multiclass the share of each class
    classes: tuple[str, ...] = ()  # of multiclass, in the encoder's order
    rows: int  # it was learnt from
    first: str  # the first day it was learnt from ...
    until: str  # ... and the last day it knows
    # Mean loss of each choice over the weeks that it would have answered; empty where there is nothing to choose by.
    losses: dict[str, float] = Field(default_factory=dict)
    note: str = ""  # what was too little to learn from

    def predict(self, n: int) -> Vector:
        """Predict n rows as a model does: (n,) probability or value, (n, k) for multiclass."""
        import numpy as np

        return np.tile(np.array(self.values), (n, 1)) if self.classes else np.full(n, self.values[0])

    @property
    def words(self) -> str:
        """Tell what it says and what it was learnt from, in words that hold none of the data's."""
        said = ", ".join(f"{value:.4g}" for value in self.values[:10]) + (", …" if len(self.values) > 10 else "")
        compared = "; ".join(f"{span} {loss:.4f}" for span, loss in self.losses.items())
        chosen = f"; week by week: {compared}" if compared else ""
        note = f"; {self.note}" if self.note else ""
        return f"{self.kind}: {said} ({self.rows:,} rows of {self.first}..{self.until}{chosen}{note})"


@dataclass(frozen=True)
class _Day:
    """The targets of a day, as few as the answer needs: values, each with the rows that it stands for."""

    day: str
    values: NDArray[Any]
    rows: Vector


def learn(loop: Loop, days: Iterable[tuple[str, pa.ChunkedArray]]) -> Baseline | None:
    """Learn the baseline of a training; None where no target is known.

    days: (day, targets of its rows, null where not known), in order of days; one day at a time is held.
    """
    known: list[_Day] = []
    answers: dict[str, Baseline] = {}
    week, answered, lost = 0, 0, dict.fromkeys((WINDOW, WEEK), 0.0)
    for day, column in days:
        target = _read(loop, column)
        if not len(target):
            continue
        now = days_between(known[0].day, day) // _WEEK if known else 0
        if now > week:
            week, answers = now, {span: _answer(loop, span, known) for span in lost}
        for span, answer in answers.items():
            codes = _codes(loop, target, answer.classes)
            lost[span] += float(row_losses(loop.learnt_loss, codes, answer.predict(len(target))).sum())
        answered += len(target) if answers else 0
        known.append(_few(loop, day, target))
    if not known:
        return None
    losses = {span: sum_ / answered for span, sum_ in lost.items()} if answers else {}
    losses = losses if all(map(math.isfinite, losses.values())) else {}
    found = _answer(loop, min(losses, key=lambda span: losses[span], default=WINDOW), known)
    alone = [] if losses else ["one week of targets: nothing to choose by"]
    return found.model_copy(update={"losses": losses, "note": "; ".join([*alone, *_unseen(loop, found, known)])})


def _read(loop: Loop, column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the targets that are known: names of classes, or finite numbers as the encoder reads them."""
    import numpy as np
    import pyarrow as pa

    column = column.drop_null()
    if loop.task == "multiclass":
        return np.array(column.cast(pa.string()).to_pylist(), dtype=object)
    values = _encoder(loop, ()).target_values(pa.table({loop.target.name: column})) if len(column) else np.zeros(0)
    return values[np.isfinite(values)]


def targets(loop: Loop, rows: pa.Table, classes: tuple[str, ...]) -> Vector:
    """Encode the targets of rows (n,) by a baseline's classes; -1 where it knows none."""
    return _encoder(loop, classes).target_values(rows)


def _codes(loop: Loop, target: NDArray[Any], classes: tuple[str, ...]) -> Vector:
    """Encode targets as the encoder does: a class that was not known is -1."""
    import pyarrow as pa

    if loop.task != "multiclass":
        return target
    return _encoder(loop, classes).target_values(pa.table({loop.target.name: pa.array(target, pa.string())}))


def _encoder(loop: Loop, classes: tuple[str, ...]) -> encoding.Encoder:
    return encoding.Encoder(
        task=loop.task,
        target=loop.target.name,
        vocabularies={},
        numbers=(),
        means=(),
        deviations=(),
        classes=classes,
    )


def _few(loop: Loop, day: str, target: NDArray[Any]) -> _Day:
    """Keep of a day what its answer needs: rows of each class, the mean, or points that its median is found by."""
    import numpy as np

    if loop.task != "regression":
        values, rows = np.unique(target, return_counts=True)
        return _Day(day, values, rows.astype(float))
    if loop.learnt_loss != "absolute_error":
        return _Day(day, np.array([target.mean()]), np.array([float(len(target))]))
    target = np.sort(target)
    if len(target) <= POINTS:
        return _Day(day, target, np.ones(len(target)))
    edges = np.linspace(0, len(target), POINTS + 1).astype(int)
    return _Day(day, target[(edges[:-1] + edges[1:]) // 2], np.diff(edges).astype(float))


def _answer(loop: Loop, span: str, known: Sequence[_Day]) -> Baseline:
    """Answer by all days that are known, or by the seven up to the last of them."""
    import numpy as np

    days = [each for each in known if span == WINDOW or each.day > shift(known[-1].day, -_WEEK)]
    values, rows = np.concatenate([each.values for each in days]), np.concatenate([each.rows for each in days])
    classes = _classes(known) if loop.task == "multiclass" else ()
    if loop.task != "regression":
        seen = [float(rows[values == each].sum()) for each in (classes or (0.0, 1.0))]
        shares = [(count + 0.5) / (sum(seen) + len(seen) / 2) for count in seen]
        kind, said = "class shares", shares if classes else shares[1:]
    elif loop.learnt_loss == "absolute_error":
        kind, said = "median", [_median(values, rows)]
    else:
        kind, said = "mean", [float((values * (rows / rows.sum())).sum())]
    return Baseline(
        kind=f"{kind} of the {span}",
        values=tuple(said),
        classes=classes,
        rows=int(rows.sum()),
        first=days[0].day,
        until=days[-1].day,
    )


def _classes(known: Sequence[_Day]) -> tuple[str, ...]:
    return tuple(sorted({str(name) for each in known for name in each.values}))


def _median(values: Vector, rows: Vector) -> float:
    """Return the value in the middle; between two, half of each."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(rows[order])
    low, high = (values[np.searchsorted(below, below[-1] / 2, side=side)] for side in ("left", "right"))
    return float(low / 2 + high / 2)


def _unseen(loop: Loop, found: Baseline, known: Sequence[_Day]) -> list[str]:
    """Say which classes it was taught nothing of."""
    import numpy as np

    if loop.task == "regression":
        return []
    here = np.concatenate([each.values for each in known if found.first <= each.day])
    every = len(found.classes) or 2
    seen = len({*here.tolist()})
    if found.classes and every == 1:
        return ["one class alone has been seen"]
    return [f"{every - seen} of {every} classes have no row there"] if seen < every else []
