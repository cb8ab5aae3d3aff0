"""Distances between two tables, column by column, as Evidently defines them under the same names.

`wasserstein`: first Wasserstein distance over the reference's standard deviation, of numbers. `jensenshannon`:
Jensen-Shannon distance with the natural logarithm, of categories. What a night decides on, in production and in a
replay, are these; Evidently's report shows its own, which a test holds equal.

They are told from counts (`histograms`). Of a category that is exact; of a number it is a least and a largest distance,
and where a threshold lies between them the values themselves are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ratchet.monitoring.histograms import Cells, Counted, Levels, at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

ROUNDING = 1e-9  # of a distance, by sums in another order
LEAST_SPREAD = 1e-3  # Evidently's: no distance is divided by less


@dataclass(frozen=True)
class ColumnDrift:
    """The distance of a column between reference and current, and the threshold that it is held to."""

    column: str
    distance: float
    threshold: float

    @property
    def drifted(self) -> bool:
        """Say whether it is at its threshold, or beyond."""
        return self.distance >= self.threshold


def judged(
    current: Counted, reference: Counted, thresholds: Mapping[str, float], exact: Callable[[str], float]
) -> list[ColumnDrift]:
    """Hold each column's distance to its threshold. A number without any value on one side is left out.

    current, reference: counts by the same cuts. thresholds: of the columns that are held to one. exact: distance of a
    number, from its values; asked only where the counts cannot decide.
    """
    found = []
    for name, threshold in thresholds.items():
        bounds = between(current[name], reference[name])
        if bounds is None:
            continue
        least, most = bounds
        certain = most + ROUNDING < threshold or least - ROUNDING >= threshold or least == most
        found.append(ColumnDrift(name, (least + most) / 2 if certain else exact(name), threshold))
    return found


def between(current: Cells | Levels, reference: Cells | Levels) -> tuple[float, float] | None:
    """Return the least and the largest distance that a column can have, by its counts; None where there is none."""
    if isinstance(current, Levels) and isinstance(reference, Levels):
        distance = jensenshannon(current, reference)
        return None if distance is None else (distance, distance)
    assert isinstance(current, Cells)
    assert isinstance(reference, Cells)
    if not (current.rows.sum() and reference.rows.sum()):
        return None
    return wasserstein(current.total(), reference.total())


def wasserstein(current: Cells, reference: Cells) -> tuple[float, float]:
    """Bound the Wasserstein distance over the reference's standard deviation.

    It is the area between the two distribution functions F and G. In a cell the area under each is known, from its
    values' number and sum. Where F and G cannot cross there, the area between them is the difference of the two;
    where they can it is no less, and no more than the least of three bounds: what the cell's ends leave room for, and
    the difference at its lower, or upper, end over all of it with what F and G gain from there on.
    """
    ends = np.r_[
        min(current.low, reference.low, reference.cuts[0]),
        reference.cuts,
        max(current.high, reference.high, reference.cuts[-1]),
    ]
    width = np.diff(ends)
    (f_low, f_high, f_gain), (g_low, g_high, g_gain) = (_cumulated(each, ends) for each in (reference, current))
    area = np.abs((f_low - g_low) * width + f_gain - g_gain)
    room = width * np.maximum(g_high - f_low, f_high - g_low)
    from_low = np.abs(f_low - g_low) * width + f_gain + g_gain
    from_high = np.abs(f_high - g_high) * width + (f_high - f_low + g_high - g_low) * width - f_gain - g_gain
    crossing = (f_low < g_high) & (g_low < f_high)
    most = np.where(crossing, np.maximum(area, np.minimum(room, np.minimum(from_low, from_high))), area)
    spread = max(reference.spread, LEAST_SPREAD)
    return float(area.sum() / spread), float(most.sum() / spread)


def _cumulated(cells: Cells, ends: Vector) -> tuple[Vector, Vector, Vector]:
    """Return the distribution function at each cell's two ends, and the area that it gains within."""
    count = cells.rows.sum()
    share = cells.rows[0] / count
    high = np.cumsum(share)
    gain = share * (ends[1:] - cells.middle) - cells.sums[0] / count
    return high - share, high, np.clip(gain, 0.0, share * np.diff(ends))


def values(current: Vector, reference: Vector) -> float:
    """Return the Wasserstein distance over the reference's standard deviation, of values themselves."""
    from scipy.stats import wasserstein_distance

    ours, theirs = current[~np.isnan(current)], reference[~np.isnan(reference)]
    return float(wasserstein_distance(theirs, ours) / max(float(theirs.std(ddof=0)), LEAST_SPREAD))


def jensenshannon(current: Levels, reference: Levels) -> float | None:
    """Return the Jensen-Shannon distance; None where a side has no row."""
    from scipy.spatial.distance import jensenshannon as distance

    levels = sorted({*current.levels, *reference.levels})
    ours, theirs = (at(each.total(), levels)[0] for each in (current, reference))
    return float(distance(theirs, ours)) if ours.sum() and theirs.sum() else None
