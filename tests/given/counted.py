"""Counts of columns, as the monitor keeps them, of values and days that a test makes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ratchet.monitoring import histograms
from ratchet.monitoring.histograms import Cells, Levels


def table(numbers: Mapping[str, np.ndarray], categories: Mapping[str, np.ndarray]) -> pa.Table:
    """Make a watched table: categories are any values, which become strings."""
    found: dict[str, pa.Array] = {name: pa.array(values.astype(float)) for name, values in numbers.items()}
    for name, values in categories.items():
        found[name] = pa.array([str(value) for value in values]).dictionary_encode()
    return pa.table(found)


def of(
    numbers: Mapping[str, np.ndarray],
    categories: Mapping[str, np.ndarray],
    days: np.ndarray,
    cuts: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Cells | Levels]:
    """Count them, a row a day. cuts: of the numbers; by default their own."""
    whole = table(numbers, categories)
    chosen = cuts or {name: histograms.cuts(values.astype(float)) for name, values in numbers.items()}
    return histograms.count([whole.filter(pa.array(days == day)) for day in np.unique(days)], chosen)


def part(counts: Mapping[str, Cells | Levels], first: int, last: int) -> dict[str, Cells | Levels]:
    """Return the counts of some of the days."""
    found: dict[str, Cells | Levels] = {}
    for name, each in counts.items():
        if isinstance(each, Cells):
            parts = (each.rows[first:last], each.sums[first:last], each.squares[first:last])
            found[name] = Cells(each.cuts, *parts, each.low, each.high)
        else:
            found[name] = Levels(each.levels, each.rows[first:last])
    return found
