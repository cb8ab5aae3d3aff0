"""Calibrate drift thresholds to the window's size and to the reference's, from the champion's own training days.

How far apart two samples of the same lie depends on how many rows, and above all how many days, are on either side; a
fixed threshold of 0.1 flags a category of a hundred levels every night. So a window and a reference, each of as many
days as there are, are drawn with replacement from the reference's whole days (a bootstrap of both samples, Künsch 1989,
with the day as block), and thresholds are set where the distance of the two exceeds any of them `alarms_per_year` times
in 365. The days of a window follow one another, though, and are more alike than drawn ones: by how much, the days of
the reference say (`_in_a_row`). And of few days all this is known roughly: Student's quantile takes the normal's place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ratchet.monitoring.distances import LEAST_SPREAD
from ratchet.monitoring.histograms import Cells, Counted, Levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

DRAWS, PERMUTED = 1000, 300
GRID = 256  # cells that are enough for how far drawn samples lie apart
# In either distance: a smaller one is real, and of no consequence to any model (Evidently's own default is 0.1).
LEAST = 0.05
GROWS = 0.9  # Kendall's tau of a column's daily means with time: it does nothing else
FEW = 8  # days, of which fewer say nothing of growth
WINDOWS = 4  # in a row, of which fewer say nothing of how alike days are that follow one another
ROUGH = 1.5  # that a few days may widen a threshold
# Whatever the training days say, further apart is drift: a window three deviations away, or with three quarters of its
# rows on levels that there were not. The largest Jensen-Shannon distance is 0.83.
MOST_NUMBER, MOST_CATEGORY = 3.0, 0.6


@dataclass(frozen=True)
class Calibrated:
    """The distance of each column at and above which it counts as drifted; and columns that only grow, or fall."""

    thresholds: dict[str, float]
    growing: tuple[str, ...]


def calibrate(counted: Counted, window_days: int, alarms_per_year: float, seed: int) -> Calibrated:
    """Set each column's threshold.

    counted: the reference's, a row a day. Over all columns together, windows of `window_days` unchanged days exceed a
    threshold on about `alarms_per_year` of 365 nights. A column that only grows with time is beyond any of its training
    by its nature: it is named, and held to none.
    """
    growing = tuple(name for name, each in counted.items() if isinstance(each, Cells) and grows(each))
    held = {name: each for name, each in counted.items() if name not in growing}
    count = len(next(iter(held.values())).rows) if held else 0
    if not count:
        return Calibrated({}, growing)
    rng, share = np.random.default_rng(seed), min(alarms_per_year / 365, 1.0)
    each_day = np.full(count, 1 / count)
    window, past = (rng.multinomial(n, each_day, size=DRAWS).astype(float) for n in (window_days, count))
    distances = {}
    for name, each in held.items():
        profile = profile_of(each)
        distances[name] = profile.between(window, past) * _in_a_row(profile, window_days, share, rng)
    # Columns are put on one scale by the mean of their own largest twentieth; the largest then has one distribution for
    # the whole table, which a column with a few odd days does not widen for the others.
    top = {name: float(np.sort(values)[-DRAWS // 20 :].mean()) for name, values in distances.items()}
    scale = {name: max(value, LEAST) for name, value in top.items()}
    largest = np.max([values / scale[name] for name, values in distances.items()], axis=0)
    factor = max(1.0, float(np.quantile(largest, 1 - share)))
    most = {name: MOST_NUMBER if isinstance(each, Cells) else MOST_CATEGORY for name, each in held.items()}
    return Calibrated({name: min(scale[name] * factor, most[name]) for name in distances}, growing)


def widened(thresholds: Mapping[str, float], calibrated: int, days: int, reference: int = 0) -> dict[str, float]:
    """Return thresholds for fewer days than they were calibrated to; for as many, or more, they stand.

    Distances of unchanged days have a part that shrinks with the window's days and one that shrinks with the
    reference's: a window of weekdays, five of seven, is held to 1.18 times the threshold where the reference is long.
    reference: its days; 0 where that is not known, of a champion that was calibrated before it was written down.
    """
    past = 1 / reference if reference else 0.0
    factor = math.sqrt(max(1.0, (1 / max(days, 1) + past) / (1 / calibrated + past)))
    return {name: threshold * factor for name, threshold in thresholds.items()}


def grows(cells: Cells) -> bool:
    """Say whether a number's daily means only grow, or only fall, with time."""
    from scipy.stats import kendalltau

    count = cells.rows.sum(axis=1)
    means = cells.sums.sum(axis=1)[count > 0] / count[count > 0]
    return len(means) >= FEW and abs(float(kendalltau(np.arange(len(means)), means).statistic)) >= GROWS


def alarms(
    counted: Counted, window_days: int, rules: Mapping[str, tuple[Mapping[str, float], float]], years: int, seed: int
) -> dict[str, Vector]:
    """Count the nights of unchanged years on which a rule alarms: rule -> (years,).

    Years are made of whole days of the reference, drawn with replacement; each night looks at the last `window_days`.
    rules: name -> (column -> threshold, share of columns beyond theirs from which it is an alarm; 0: any one).
    """
    count, rng = len(next(iter(counted.values())).rows), np.random.default_rng(seed)
    profiles = {name: profile_of(each) for name, each in counted.items()}
    found, whole = {name: np.zeros(years) for name in rules}, np.ones((1, count))
    for year in range(years):
        drawn = np.zeros((365 + window_days, count))
        drawn[np.arange(1, 365 + window_days), rng.integers(0, count, 364 + window_days)] = 1
        total = drawn.cumsum(axis=0)
        windows = total[window_days:] - total[:-window_days]
        distances = {name: each.between(windows, whole) for name, each in profiles.items()}
        for rule, (thresholds, share) in rules.items():
            beyond = np.mean([distances[name] >= at for name, at in thresholds.items()], axis=0)
            found[rule][year] = (beyond >= share if share else beyond > 0).sum()
    return found


@dataclass(frozen=True)
class Profile:
    """A column's days, as vectors that add up.

    rows: (days,). parts: (days, n): of a number the area under its distribution function cell by cell; of a category
    its levels' counts. distance: of two such vectors a row, each (m, n), over their rows.
    """

    rows: Vector
    parts: Vector
    distance: Callable[[Vector, Vector], Vector]

    def between(self, window: Vector, past: Vector) -> Vector:
        """Return the distances of windows from references, counts of days (m, days) and (m or 1, days): (m,)."""
        return self.distance(*(_shares(draws @ self.parts, draws @ self.rows) for draws in (window, past)))


def profile_of(counted: Cells | Levels) -> Profile:
    """Return what the distances of any of a column's days are told from."""
    rows = counted.rows.sum(axis=1)
    if isinstance(counted, Levels):
        return Profile(rows, counted.rows, _jensenshannon)
    if not rows.sum():
        return Profile(rows, np.zeros((len(rows), 1)), lambda p, q: np.zeros(len(p)))
    ends = np.r_[min(counted.low, counted.cuts[0]), counted.cuts, max(counted.high, counted.cuts[-1])]
    below = np.cumsum(counted.rows, axis=1) - counted.rows
    areas = below * np.diff(ends) + counted.rows * (ends[1:] - counted.middle) - counted.sums
    places = np.unique(np.linspace(0, areas.shape[1], GRID, endpoint=False).astype(int))
    parts = np.add.reduceat(areas, places, axis=1) / max(counted.spread, LEAST_SPREAD)
    return Profile(rows, parts, lambda p, q: np.abs(p - q).sum(axis=1))


def _in_a_row(profile: Profile, window_days: int, share: float, rng: np.random.Generator) -> float:
    """Return by how much days in a row, and the roughness of few days, widen the distance of drawn ones.

    Windows of training days in a row lie further from the other days than windows of as many drawn ones do, in the mean
    of squares. share: of nights on which a threshold may be exceeded.
    """
    from scipy.stats import norm, t

    count, tail, wider = len(profile.rows), min(share, 0.25) / 2, 1.0
    if count >= WINDOWS * window_days:
        places = np.arange(count - window_days + 1)[:, None] + np.arange(window_days)
        drawn = np.argsort(rng.random((PERMUTED, count)), axis=1)[:, :window_days]
        beside = []
        for chosen in (places, drawn):
            window = np.zeros((len(chosen), count))
            np.put_along_axis(window, chosen, 1.0, axis=1)
            beside.append(math.sqrt((profile.between(window, 1 - window) ** 2).mean()))
        # Of few windows in a row it is too little: they are a part of what they are compared with.
        wider = max(beside[0] / beside[1] * (1 + window_days / count), 1.0) if beside[1] else 1.0
    rough = t.ppf(1 - tail, max(count / wider**2 - 1, 1)) / norm.ppf(1 - tail)
    return wider * min(float(rough), ROUGH)


def _shares(parts: Vector, rows: Vector) -> Vector:
    return np.asarray(np.divide(parts, rows[:, None], out=np.zeros_like(parts), where=rows[:, None] > 0))


def _jensenshannon(p: Vector, q: Vector) -> Vector:
    q = np.broadcast_to(q, p.shape)
    middle = (p + q) / 2
    return np.asarray(np.sqrt(np.maximum((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2, 0)))


def _relative_entropy(p: Vector, q: Vector) -> Vector:
    ratio = np.divide(p, q, out=np.ones_like(p), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log(ratio)).sum(axis=1))
