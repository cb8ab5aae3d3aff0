"""Distances between two tables, column by column, as Evidently defines them under the same names.

`wasserstein`: first Wasserstein distance over the reference's standard deviation, of numbers. `jensenshannon`:
Jensen-Shannon distance with the natural logarithm, of categories. What a night decides on, in production and in a
replay, are these; Evidently's report shows its own, which a test holds equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


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
    current: pd.DataFrame,
    reference: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    thresholds: Mapping[str, float],
) -> list[ColumnDrift]:
    """Hold each column's distance to its threshold."""
    found = between(current, reference, numbers, categories)
    return [ColumnDrift(name, distance, thresholds[name]) for name, distance in found.items()]


def between(
    current: pd.DataFrame, reference: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str]
) -> dict[str, float]:
    """Return each column's distance. A number without any value on one side is left out."""
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import wasserstein_distance

    found = {}
    for name in numbers:
        ours, theirs = current[name].dropna(), reference[name].dropna()
        if len(ours) and len(theirs):
            found[name] = float(wasserstein_distance(theirs, ours) / max(float(theirs.std(ddof=0)), 1e-3))
    for name in categories:
        ours, theirs = (frame[name].value_counts(normalize=True) for frame in (current, reference))
        levels = sorted({*ours.index, *theirs.index})
        found[name] = float(jensenshannon(theirs.reindex(levels, fill_value=0.0), ours.reindex(levels, fill_value=0.0)))
    return found
