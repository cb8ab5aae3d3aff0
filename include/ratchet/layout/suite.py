"""The text of a new loop's expectation suite: bounds that fit the sample's sign, its levels and its nulls."""

from __future__ import annotations

import json
import math
from typing import Any

from ratchet.data import tables
from ratchet.layout.roles import Roles
from ratchet.layout.sample import Column, Sample

Expectation = dict[str, Any]
_DAYS = 5  # whole ones that tell how many rows a day has


def text(name: str, sample: Sample, found: Roles) -> str:
    """Return a suite of Great Expectations. Of the key, the contract implies what holds; a label may come later."""
    expectations = [
        each
        for column in sample.columns.values()
        if column.name not in found.key and not column.empty
        for each in (*_nulls(column, found), *_bounds(column, found), *_levels(column, found))
    ]
    expectations += _rows(sample, found)
    return json.dumps({"name": name, "expectations": expectations, "meta": {}}, indent=2, ensure_ascii=False) + "\n"


def _rows(sample: Sample, found: Roles) -> list[Expectation]:
    """Expect a day to have half as many rows as the smallest of the sample at least, and twice the largest's at most.

    Fewer may be a file that was cut off between two rows; that is told, and refuses none. The first and the last day of
    a sample may be parts.
    """
    import pyarrow.compute as pc

    days = tables.days(sample.table[found.time])
    counted = sorted((each["values"], each["counts"]) for each in pc.value_counts(days.combine_chunks()).to_pylist())
    counts = [count for _, count in counted[1:-1]]
    if len(counts) < _DAYS or sample.total > sample.rows:
        return []
    bounds = {"min_value": max(min(counts) // 2, 1), "max_value": 2 * max(counts)}
    return [_expect("expect_table_row_count_to_be_between", "warning", **bounds)]


def _nulls(column: Column, found: Roles) -> list[Expectation]:
    """Expect a column without nulls to have none; one with some, not many more than it has."""
    if column.name == found.target:
        return []
    if not column.nulls:
        return [_expect("expect_column_values_to_not_be_null", "critical", column=column.name)]
    share = 1 - column.nulls / column.rows
    mostly = math.floor(50 * share) / 100  # half of what there is
    return [_expect("expect_column_values_to_not_be_null", "warning", column=column.name, mostly=mostly)]


def _bounds(column: Column, found: Roles) -> list[Expectation]:
    """Expect numbers within a range's width of the sample's, and of its sign; one that grows has no end above."""
    if column.low is None or column.high is None:
        return []
    reach = (column.high - column.low) or abs(column.high) or 1
    low, high = column.low - reach, column.high + reach
    if column.low >= 0:
        low = max(low, 0)
    if column.high <= 0:
        high = min(high, 0)
    bounds = {"min_value": low, "max_value": high}
    if any(leak.kind == "grows" and column.name in leak.columns for leak in found.leaks):
        bounds = {"min_value": low} if column.low >= 0 else {}
    kept = {side: int(value) if column.kind == "int64" else float(value) for side, value in bounds.items()}
    return [_expect("expect_column_values_to_be_between", "critical", column=column.name, **kept)] if kept else []


def _levels(column: Column, found: Roles) -> list[Expectation]:
    """Expect a column of few levels to show those: another one is told, and refuses no row."""
    if not column.levels:
        return []
    named = {"column": column.name, "value_set": list(column.levels)}
    return [_expect("expect_column_values_to_be_in_set", "warning", **named)]


def _expect(kind: str, severity: str, **kwargs: Any) -> Expectation:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {}}
