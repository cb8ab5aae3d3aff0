"""The intercept: by how much a model's answers of a day are shifted, after what its last labelled days have shown.

What is usual moves on after a training. So the answers of every model, champion and rival alike, are shifted: all rows
of a day by the same, classes on the scale of log odds, values in the target's units. The shift is learnt from labelled
days that the model has not seen and that were known before the day (prequentially: Dawid 1984, "Statistical theory: the
prequential approach"): it is what brings the mean answer of those days to their mean target, a recalibration in the
large (Cox 1958, "Two further applications of a model for binary regression"; of absolute errors the median). It is
shrunk as if SHRUNK days more had come out as answered. So where nothing moves it adds at most a 28th of the variance of
the days' levels: n days follow them by n / (n + 7), and their mean has an nth of it. On the flights of 2013 a shrinkage
by how much the days differ (the positive part of James & Stein 1961) gained less: it jumps.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop, Task
from ratchet.decisions import duel
from ratchet.partitions import shift as moved
from ratchet.text import signed
from ratchet.training.metrics import EPSILON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

Shift = tuple[float, ...]  # to add: (1,) of a logit or a value, (k,) of the logarithms of k classes; () where none is

SHRUNK = 7  # days that count as answered rightly, beside those that there are


@dataclass(frozen=True)
class Sums:
    """What a day's labelled rows have shown of a model."""

    rows: int
    target: tuple[float, ...]  # sums over rows: of classes, of values, or of the median distance from what was said
    said: tuple[float, ...]  # the same of what was said; nothing beside a median


def learnt_from(published: Sequence[str], until: str, day: str, delay: int, most: int) -> list[str]:
    """Return the days that the shift of a day is learnt from, of those that are published.

    published: in order. until: the last day that the model has seen. delay: days after which labels are known. most:
    days that it looks back from the last whose labels are known by the day.
    """
    last = moved(day, -max(1, delay))
    first = moved(last, 1 - most) if most else day
    near = published[bisect.bisect_left(published, first) : bisect.bisect_right(published, last)]
    return [each for each in near if not duel.seen(each, until)]


def sums(loop: Loop, target: Vector, said: Vector) -> Sums:
    """Sum up a day's labelled rows. target: (n,), said: (n,) or (n, k), the model's own answers."""
    import numpy as np

    if loop.task == "multiclass":
        known = (target >= 0) & np.isfinite(said).all(axis=1)
        counts = np.bincount(target[known].astype(int), minlength=said.shape[1])
        return Sums(int(known.sum()), tuple(map(float, counts)), tuple(math.fsum(each) for each in said[known].T))
    known = np.isfinite(target) & np.isfinite(said)
    target, said, rows = target[known], said[known], int(known.sum())
    if loop.learnt_loss == "absolute_error":
        return Sums(rows, (rows * float(np.median(target - said)) if rows else 0.0,), (0.0,))
    return Sums(rows, (math.fsum(target),), (math.fsum(said),))


def learn(task: Task, days: Sequence[Sums]) -> Shift:
    """Return the shift that days have taught; () where they hold no labelled row."""
    held = [each for each in days if each.rows]
    if not held:
        return ()
    rows, weight = sum(each.rows for each in held), len(held) / (len(held) + SHRUNK)
    target, said = (
        [math.fsum(parts) / rows for parts in zip(*whole, strict=True)]
        for whole in ([each.target for each in held], [each.said for each in held])
    )
    told = [ours + weight * (theirs - ours) for ours, theirs in zip(said, target, strict=True)]
    if task == "regression":
        return tuple(new - old for new, old in zip(told, said, strict=True))
    if task == "multiclass":
        return tuple(math.log(_inside(new) / _inside(old)) for new, old in zip(told, said, strict=True))
    return tuple(_logit(new) - _logit(old) for new, old in zip(told, said, strict=True))


def add(task: Task, said: Vector, shift: Shift) -> Vector:
    """Shift answers: (n,) probabilities or values, (n, k) for multiclass."""
    import numpy as np

    if not shift:
        return said
    if task == "regression":
        return np.asarray(said + shift[0])
    if task == "multiclass":
        raised = said * np.exp(np.array(shift))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))
    raised = said * math.exp(shift[0])
    return np.asarray(raised / (raised + (1 - said)))


def words(shift: Shift) -> str:
    """Tell a shift; nothing where there is none."""
    return ", ".join(signed(each, 3) for each in shift)


def _inside(share: float) -> float:
    return min(max(share, EPSILON), 1 - EPSILON)


def _logit(share: float) -> float:
    return math.log(_inside(share) / (1 - _inside(share)))
