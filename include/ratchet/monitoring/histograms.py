"""Counts of what is watched, a row a day: all that a threshold and a distance need of millions of rows.

A number's values are counted in cells of about as many values each, and summed up there: from the sums a distance is
known within a narrow bound (`distances`). A category's are counted level by level, which is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

CELLS = 1024


@dataclass(frozen=True)
class Cells:
    """A number's values: cell 0 lies below the first cut, cell i from cut i-1 to below cut i, the last above.

    cuts: (k,), ascending. rows: (days, k + 1) values. sums: (days, k + 1), of their differences from `middle`.
    squares: (days,), of the same. low, high: the least and the largest value. Where there is no value they are NaN.
    """

    cuts: Vector
    rows: Vector
    sums: Vector
    squares: Vector
    low: float
    high: float

    @cached_property
    def middle(self) -> float:
        """What the sums are taken from."""
        return float(self.cuts[len(self.cuts) // 2])

    @cached_property
    def spread(self) -> float:
        """The standard deviation of all values."""
        count = self.rows.sum()
        if not count:
            return 0.0
        return float(np.sqrt(max(self.squares.sum() / count - (self.sums.sum() / count) ** 2, 0.0)))

    def total(self) -> Cells:
        """Add up the days."""
        rows, sums = self.rows.sum(axis=0, keepdims=True), self.sums.sum(axis=0, keepdims=True)
        return Cells(self.cuts, rows, sums, self.squares.sum(keepdims=True), self.low, self.high)


@dataclass(frozen=True)
class Levels:
    """A category's values: rows (days, levels)."""

    levels: tuple[str, ...]
    rows: Vector

    def total(self) -> Levels:
        """Add up the days."""
        return Levels(self.levels, self.rows.sum(axis=0, keepdims=True))


Counted = Mapping[str, Cells | Levels]


def cuts(values: Vector) -> Vector:
    """Choose cuts for as equal numbers of values in the cells as there can be: (k,), 1 to `CELLS`. values: a sample."""
    there = np.sort(values[~np.isnan(values)])
    if not len(there):
        return np.zeros(1)
    places = np.linspace(0, len(there) - 1, CELLS).round().astype(int)
    return np.unique(there[places])


def count(days: Sequence[pa.Table], chosen: Mapping[str, Vector]) -> dict[str, Cells | Levels]:
    """Count watched columns, a table a day. chosen: of each number its cuts; the others are categories."""
    names = days[0].column_names if days else []
    return {
        name: _cells([_numbers(day, name) for day in days], chosen[name])
        if name in chosen
        else _levels([day.column(name) for day in days])
        for name in names
    }


def joined(parts: Sequence[Counted]) -> dict[str, Cells | Levels]:
    """Put counts of days after each other, by the same cuts."""
    found: dict[str, Cells | Levels] = {}
    for name in parts[0] if parts else ():
        each: list[Any] = [part[name] for part in parts]
        if isinstance(each[0], Cells):
            rows, sums, squares = (np.concatenate([getattr(x, of) for x in each]) for of in ("rows", "sums", "squares"))
            low, high = np.fmin.reduce([x.low for x in each]), np.fmax.reduce([x.high for x in each])
            found[name] = Cells(each[0].cuts, rows, sums, squares, float(low), float(high))
        else:
            levels = tuple(sorted({level for part in each for level in part.levels}))
            found[name] = Levels(levels, np.concatenate([at(part, levels) for part in each]))
    return found


def at(counted: Levels, levels: Sequence[str]) -> Vector:
    """Return the counts of levels, among which are all that were counted: (days, levels)."""
    place = {level: i for i, level in enumerate(levels)}
    rows = np.zeros((len(counted.rows), len(levels)))
    rows[:, [place[level] for level in counted.levels]] = counted.rows
    return rows


def _numbers(day: pa.Table, name: str) -> Vector:
    column = day.column(name)
    return np.concatenate([chunk.to_numpy(zero_copy_only=False) for chunk in column.chunks] or [np.zeros(0)])


def _cells(days: Sequence[Vector], chosen: Vector) -> Cells:
    """Count by sorting each day: the cuts are then looked up in the values, not a million values among the cuts."""
    shape = (len(days), len(chosen) + 1)
    found = Cells(chosen, np.zeros(shape), np.zeros(shape), np.zeros(len(days)), np.nan, np.nan)
    low, high = np.inf, -np.inf
    for i, values in enumerate(days):
        there = np.sort(values)  # NaN comes last
        there = there[: len(there) - int(np.isnan(values).sum())]
        if not len(there):
            continue
        low, high = min(low, float(there[0])), max(high, float(there[-1]))
        places = np.r_[0, np.searchsorted(there, chosen), len(there)]
        away = there - found.middle
        found.rows[i] = np.diff(places)
        found.sums[i] = np.diff(np.r_[0.0, np.cumsum(away)][places])
        found.squares[i] = away @ away
    if low > high:
        return found
    return Cells(chosen, found.rows, found.sums, found.squares, low, high)


def _levels(days: Sequence[pa.ChunkedArray]) -> Levels:
    counts = []
    for column in days:
        seen: dict[str, float] = {}
        for chunk in column.chunks:
            number = np.bincount(chunk.indices.to_numpy(zero_copy_only=False), minlength=len(chunk.dictionary))
            for level, n in zip(chunk.dictionary.to_pylist(), number.tolist(), strict=True):
                if n:
                    seen[level] = seen.get(level, 0.0) + n
        counts.append(seen)
    levels = tuple(sorted({level for seen in counts for level in seen}))
    rows = [[seen.get(level, 0.0) for level in levels] for seen in counts]
    return Levels(levels, np.array(rows, dtype=float).reshape(len(days), len(levels)))
