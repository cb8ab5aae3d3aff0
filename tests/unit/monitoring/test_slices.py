"""The slices of rows, on two sides alike."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from ratchet.monitoring import slices
from ratchet.monitoring.slices import LEAST, MOST, Column


def _of(baseline: pa.Array, recent: pa.Array, numeric: bool = False) -> Column | None:
    tables = [pa.table({"x": side}) for side in (baseline, recent)]
    return next(slices.columns(*tables, [] if numeric else ["x"], ["x"] if numeric else []), None)


def _rows(column: Column) -> dict[str, tuple[int, int]]:
    sides = (column.baseline, column.recent)
    held = [np.bincount(side, minlength=len(column.slices)).tolist() for side in sides]
    return dict(zip(column.slices, zip(*held, strict=True), strict=True))


def test_null_is_a_level_and_few_rows_are_others() -> None:
    before = ["a"] * 60 + ["b"] * 40 + [None] * 30 + ["rare"] * 5
    after = ["a"] * 50 + ["new"] * 40 + [None] * 29
    found = _of(pa.array(before), pa.array(after))
    assert found is not None
    told = {"x=a": (60, 50), "x=b": (40, 0), "x=new": (0, 40), "x=(null)": (30, 29), "x=(others)": (5, 0)}
    assert _rows(found) == told


def test_levels_beyond_the_most_frequent_are_others() -> None:
    names = [f"level {n}" for n in range(MOST + 5) for _ in range(LEAST + n)]
    found = _of(pa.array(names), pa.array(names))
    assert found is not None
    assert len(found.slices) == MOST + 1
    assert _rows(found)["x=(others)"] == (sum(range(LEAST, LEAST + 5)),) * 2


def test_a_number_is_parted_at_the_quarters_of_the_baseline() -> None:
    before = [*map(float, range(1, 101)), None, float("nan")]
    found = _of(pa.array(before), pa.array([1000.0] * 40 + [25.0] * 40 + [None] * 3), numeric=True)
    assert found is not None
    told = {"x ≤ 25": 25, "25 < x ≤ 50": 25, "50 < x ≤ 75": 25, "x > 75": 25, "x=(others)": 2}
    assert {name: rows for name, (rows, _) in _rows(found).items()} == {
        name: rows for name, rows in told.items() if rows >= LEAST or name in ("x ≤ 25", "x > 75", "x=(others)")
    } | {"x=(others)": 52}
    assert _rows(found)["x > 75"] == (25, 40)
    assert _rows(found)["x ≤ 25"] == (25, 40)


@pytest.mark.parametrize("values", [[0.0] * 80 + [1.0] * 40, [False] * 80 + [True] * 40])
def test_of_few_values_there_are_fewer_ranges(values: list[float]) -> None:
    found = _of(pa.array(values), pa.array(values), numeric=True)
    assert found is not None
    assert _rows(found) == {"x ≤ 0": (80, 80), "x > 0": (40, 40)}


def test_what_parts_nothing_is_left_out() -> None:
    same = pa.array(["a"] * 50)
    assert _of(same, same) is None
    assert _of(pa.array([1.0] * 50), pa.array([1.0] * 50), numeric=True) is None
    none = pa.array([None] * 50, pa.float64())
    assert _of(none, none, numeric=True) is None
    rare = pa.array([f"{n}" for n in range(50)])
    assert _of(rare, rare) is None
    only = slices.columns(pa.table({"x": same}), pa.table({"y": same}), ["x", "y"], ["z"])
    assert list(only) == []


def test_a_number_that_begins_to_be_missing_is_a_slice() -> None:
    found = _of(pa.array([None] * 50, pa.float64()), pa.array(np.ones(50)), numeric=True)
    assert found is not None
    assert _rows(found) == {"x is there": (0, 50), "x=(null)": (50, 0)}


def test_names_are_one_line_each_and_two_that_look_the_same_are_one() -> None:
    found = _of(pa.array(["a\nb"] * 40 + ["c"] * 40), pa.array(["a b"] * 40 + ["c"] * 40))
    assert found is not None
    assert _rows(found) == {"x=a b": (40, 40), "x=c": (40, 40)}
