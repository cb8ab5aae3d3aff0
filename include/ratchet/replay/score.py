"""What a policy came to: its live loss, what it spent, and its regret.

The regret is how far it is from the best that hindsight could have done with as much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.replay import interval
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import AHEAD, Fitted, labelled, targets
from ratchet.training import value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

WEEK = 7
LEVEL = 0.05  # probability that an interval misses


@dataclass(frozen=True)
class Outcome:
    """What the nights of one policy came to."""

    policy: str
    gate: str
    nights: tuple[dict[str, Any], ...]  # as `simulation.Night`
    promotions: int
    rollbacks: int
    minutes: float  # of training
    deployed: tuple[tuple[str, str], ...]  # (first, last) training day of each champion, the first one first

    @property
    def name(self) -> str:
        """The policy, and the gate where it is not the contract's own."""
        return self.policy if self.gate == "contract" else f"{self.policy} | {self.gate}"

    @property
    def retrainings(self) -> int:
        """How often it asked."""
        return sum(night["decided"] == "retrain" for night in self.nights)

    @property
    def losses(self) -> Vector:
        """Mean live loss of each night's day, NaN where it has no label."""
        return np.array([night["loss"] for night in self.nights], dtype=float)

    @property
    def costs(self) -> Vector:
        """Mean of what a row costs each night, in the contract's own unit; NaN where it has no label, or no unit."""
        return np.array([night.get("cost") for night in self.nights], dtype=float)

    @property
    def week(self) -> float:
        """What a week costs, in the contract's own unit."""
        return weighted(self.costs, self.rows) * _rows_a_week(self, self.rows)

    @property
    def rows(self) -> Vector:
        """Labelled rows of each night's day."""
        return np.array([night["rows"] for night in self.nights], dtype=float)

    @property
    def loss(self) -> float:
        """Mean live loss over all labelled rows."""
        return weighted(self.losses, self.rows)


def weighted(values: Vector, rows: Vector) -> float:
    """Average daily values by their rows."""
    known = np.isfinite(values) & (rows > 0)
    return float(np.average(values[known], weights=rows[known])) if known.any() else math.nan


def worst_week(outcome: Outcome, others: Sequence[Outcome]) -> float:
    """Return the largest mean, over seven nights, of the loss in excess of the best policy of each night."""
    best = np.fmin.reduce([each.losses for each in others])
    excess = np.nan_to_num(outcome.losses - best)
    return (
        float(np.convolve(excess, np.ones(WEEK) / WEEK, mode="valid").max())
        if len(excess) >= WEEK
        else float(excess.mean())
    )


def difference(ours: Outcome, theirs: Outcome, level: float = LEVEL) -> tuple[float, float, float]:
    """Return the difference of two live losses with its interval over nights (`interval.of_mean`).

    level: probability that it misses, half on each side.
    """
    return _over_nights(ours.losses - theirs.losses, np.minimum(ours.rows, theirs.rows), level)


def saved(ours: Outcome, theirs: Outcome) -> tuple[float, float, float]:
    """Return what ours costs less a week, in the contract's own unit, with its interval as of `difference`."""
    rows = np.minimum(ours.rows, theirs.rows)
    mean, low, high = (each * _rows_a_week(ours, rows) for each in _over_nights(theirs.costs - ours.costs, rows, LEVEL))
    return mean, low, high


def _over_nights(gap: Vector, rows: Vector, level: float) -> tuple[float, float, float]:
    """Average nightly differences by their rows: mean, low and high."""
    known = np.isfinite(gap) & (rows > 0)
    return interval.of_mean(gap[known], rows[known], level)


def _rows_a_week(outcome: Outcome, rows: Vector) -> float:
    days = 1 + _days(outcome.nights[0]["night"], outcome.nights[-1]["night"])
    return WEEK * float(rows.sum()) / days


def daily(
    fits: Sequence[Fitted], data: DataVersion, nights: Sequence[str], kept: Mapping[tuple[str, str], int]
) -> Vector:
    """Return the mean loss of each fit on each night's day.

    (fits, nights), infinite on days that it cannot have served.

    kept: (first, last) training day -> days for which some policy kept it. A fit serves for `fits.AHEAD` days at most,
    or as long as it was kept: what it says of later days is not computed for the sake of hindsight.
    """
    found = np.full((len(fits), len(nights)), np.inf)
    delay = data.loop.label_delay_days
    starts = np.array([data.bounds(night, night)[0] for night in nights])
    for i, fit in enumerate(fits):
        most = max(AHEAD, kept.get((fit.first, fit.until), 0))
        served = [n for n, night in enumerate(nights) if delay < _days(fit.until, night) <= most]
        if not served:
            continue
        first, last = nights[served[0]], nights[served[-1]]
        target, said = targets(data, fit, first, last), fit.whole(data, first, last)
        known = np.isfinite(target)
        losses, rows = np.zeros(len(target)), partial(labelled, data, first, last, known)
        classes = tuple(fit.about["classes"])
        losses[known] = value.losses(data.loop, target[known], said[known], rows, classes)
        cuts = starts[served] - starts[served[0]]
        sums, counts = np.add.reduceat(losses, cuts), np.add.reduceat(known.astype(float), cuts)
        found[i, served] = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
    return found


def kept(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], int]:
    """Return for how many days after its training each champion was kept, at most.

    (first, last) training day -> days.
    """
    found: dict[tuple[str, str], int] = {}
    for each in outcomes:
        ends = [*(last for _, last in each.deployed[1:]), each.nights[-1]["night"]]
        for span, end in zip(each.deployed, ends, strict=True):
            found[span] = max(found.get(span, 0), _days(span[1], end) + WEEK)
    return found


def hindsight(losses: Vector, rows: Vector, most: int) -> list[float]:
    """Return the least mean loss that any choice of champions could have had with 0, 1, ..., `most` retrainings.

    Found by dynamic programming.

    losses: (fits, nights), the first fit being the first champion; infinite where a fit cannot serve. rows: (nights,);
    a night without any costs nothing, as those while a first champion waits in shadow.
    """
    value = np.full((most + 1, len(losses)), np.inf)
    value[:, 0] = 0.0
    for night in range(losses.shape[1]):
        switched = np.full_like(value, np.inf)
        switched[1:] = value[:-1].min(axis=1, keepdims=True)
        cost = losses[:, night] * rows[night] if rows[night] else np.zeros(len(losses))
        value = np.minimum(value, switched) + cost
    best = np.minimum.accumulate(value.min(axis=1))
    return [float(v / rows.sum()) for v in best]


def _days(first: str, last: str) -> int:
    return int((np.datetime64(last) - np.datetime64(first)).astype(int))
