"""Distances between two tables, column by column, as Evidently defines them under the same names.

`wasserstein`: first Wasserstein distance over the reference's standard deviation, of numbers. `jensenshannon`:
Jensen-Shannon distance with the natural logarithm, of categories. The monitor shows Evidently's own numbers; these are
for replays, which need no report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


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
