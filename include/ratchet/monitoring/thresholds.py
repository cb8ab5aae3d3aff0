"""Calibrate drift thresholds to the window's size, from the champion's own training days.

Distances are those of Evidently under the same names: `wasserstein` (first Wasserstein distance over the reference's
standard deviation) for numbers, `jensenshannon` (Jensen-Shannon distance, natural logarithm) for categories. Their size
on unchanged data depends on how many rows, and above all how many days, are compared; a fixed threshold of 0.1 flags a
category of a hundred levels every night. So whole days of the reference are drawn with replacement (a block bootstrap,
Künsch 1989, with the day as block), and thresholds are set where such windows exceed any of them `alarms_per_year`
times in 365.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]
    Days = NDArray[np.int64]

DRAWS = 1000
GRID = 512
# In either distance: a smaller one is real, and of no consequence to any model (Evidently's own default is 0.1).
LEAST = 0.05


def calibrate(
    numbers: Mapping[str, Vector],
    categories: Mapping[str, NDArray[np.int64]],
    days: Days,
    window_days: int,
    alarms_per_year: float,
    seed: int,
) -> dict[str, float]:
    """Set each column's threshold.

    numbers: column -> values (n,), NaN where missing. categories: column -> codes (n,) from 0. days: (n,) day index
    from 0. Returns column -> distance at and above which it counts as drifted. Over all columns together, windows of
    `window_days` unchanged days exceed a threshold on about `alarms_per_year` of 365 nights.
    """
    import numpy as np

    count = int(days.max()) + 1
    draws = np.random.default_rng(seed).multinomial(window_days, np.full(count, 1 / count), size=DRAWS).astype(float)
    distances = {name: measure(draws) for name, measure in _measures(numbers, categories, days).items()}
    if not distances:
        return {}
    # Columns are put on one scale by their own 95th percentile; the largest then has one distribution for the whole
    # table.
    scale = {name: max(float(np.quantile(values, 0.95)), LEAST) for name, values in distances.items()}
    largest = np.max([values / scale[name] for name, values in distances.items()], axis=0)
    factor = max(1.0, float(np.quantile(largest, 1 - min(alarms_per_year / 365, 1.0))))
    return {name: scale[name] * factor for name in distances}


def widened(thresholds: Mapping[str, float], calibrated: int, days: int) -> dict[str, float]:
    """Return thresholds for fewer days than they were calibrated to; for as many, or more, they stand.

    Both distances of unchanged days shrink with the root of the number of days: a window of weekdays, five of seven, is
    held to 1.18 times the threshold. Without it such windows alarm several times as often as was asked for.
    """
    factor = math.sqrt(max(1.0, calibrated / max(days, 1)))
    return {name: threshold * factor for name, threshold in thresholds.items()}


def alarms(
    numbers: Mapping[str, Vector],
    categories: Mapping[str, NDArray[np.int64]],
    days: Days,
    window_days: int,
    rules: Mapping[str, tuple[Mapping[str, float], float]],
    years: int,
    seed: int,
) -> dict[str, Vector]:
    """Count the nights of unchanged years on which a rule alarms: rule -> (years,).

    Years are made of whole days of the reference, drawn with replacement; each night looks at the last `window_days`.
    rules: name -> (column -> threshold, share of columns beyond theirs from which it is an alarm; 0: any one).
    """
    import numpy as np

    count, rng = int(days.max()) + 1, np.random.default_rng(seed)
    measures = _measures(numbers, categories, days)
    found = {name: np.zeros(years) for name in rules}
    for year in range(years):
        drawn = np.zeros((365 + window_days, count))
        drawn[np.arange(1, 365 + window_days), rng.integers(0, count, 364 + window_days)] = 1
        total = drawn.cumsum(axis=0)
        windows = total[window_days:] - total[:-window_days]
        distances = {name: measure(windows) for name, measure in measures.items()}
        for rule, (thresholds, share) in rules.items():
            beyond = np.mean([distances[name] >= thresholds[name] for name in distances], axis=0)
            found[rule][year] = (beyond >= share if share else beyond > 0).sum()
    return found


def _measures(
    numbers: Mapping[str, Vector], categories: Mapping[str, NDArray[np.int64]], days: Days
) -> dict[str, Callable[[Vector], Vector]]:
    """Return what measures, for each column, the distances of windows from the whole reference.

    Each measure takes m windows, counts of days (m, days), and returns their distances (m,).
    """
    count = int(days.max()) + 1
    return {
        **{name: _wasserstein(values, days, count) for name, values in numbers.items()},
        **{name: _jensen_shannon(codes, days, count) for name, codes in categories.items()},
    }


def _wasserstein(values: Vector, days: Days, count: int) -> Callable[[Vector], Vector]:
    """Measure by distribution functions on a grid."""
    import numpy as np

    known = np.isfinite(values)
    values, days = values[known], days[known]
    grid = np.unique(np.quantile(values, np.linspace(0, 1, GRID))) if len(values) else np.zeros(0)
    if len(grid) < 2:
        return lambda draws: np.zeros(len(draws))
    cell = np.searchsorted(grid, values, side="left")
    counts = np.zeros((count, len(grid)))
    np.add.at(counts, (days, cell), 1)
    below = counts.cumsum(axis=1)
    whole = below.sum(axis=0) / below[:, -1].sum()
    spread = max(float(values.std()), 1e-3)

    def measure(draws: Vector) -> Vector:
        """Measure windows."""
        drawn = draws @ below
        rows = drawn[:, -1:]
        share = np.divide(drawn, rows, out=np.zeros_like(drawn), where=rows > 0)
        return np.asarray(np.abs(share - whole)[:, :-1] @ np.diff(grid) / spread)

    return measure


def _jensen_shannon(codes: NDArray[np.int64], days: Days, count: int) -> Callable[[Vector], Vector]:
    """Measure by shares of the levels."""
    import numpy as np

    counts = np.zeros((count, int(codes.max()) + 1))
    np.add.at(counts, (days, codes), 1)
    whole = counts.sum(axis=0) / counts.sum()

    def measure(draws: Vector) -> Vector:
        """Measure windows."""
        drawn = draws @ counts
        rows = drawn.sum(axis=1, keepdims=True)
        p = np.divide(drawn, rows, out=np.zeros_like(drawn), where=rows > 0)
        q = np.broadcast_to(whole, p.shape)
        middle = (p + q) / 2
        divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
        return np.asarray(np.sqrt(np.maximum(divergence, 0)))

    return measure


def _relative_entropy(p: Vector, q: Vector) -> Vector:
    import numpy as np

    ratio = np.divide(p, q, out=np.ones_like(p), where=(p > 0) & (q > 0))
    return np.asarray((p * np.log(ratio)).sum(axis=1))
