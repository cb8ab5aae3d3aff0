"""Values of Python become Arrow's as they are."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.data import columns

EAST = dt.timezone(dt.timedelta(hours=2))
SOME = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=True),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.dates(),
    st.datetimes(),
)


def _column(*values: Any) -> pa.ChunkedArray:
    return columns.table(["a"], [[(value,) for value in values]]).column("a")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([9007199254740993, None, -(2**63)], pa.int64()),
        ([2**63, 1], pa.decimal128(38, 0)),
        ([10**40, Decimal("0.5")], pa.decimal256(76, 1)),
        ([Decimal("12.50"), Decimal("1E+2"), None], pa.decimal128(38, 2)),
        ([1, Decimal("2.5")], pa.decimal128(38, 1)),
        ([0.1, float("inf"), None], pa.float64()),
        ([True, None], pa.bool_()),
        ([b"\x00\xff"], pa.large_binary()),
        ([dt.date(2013, 1, 5)], pa.date32()),
        ([dt.datetime(2013, 1, 5, 1, 2, 3, 4)], pa.timestamp("us")),
        ([dt.time(1, 2, 3, 4)], pa.time64("us")),
        ([dt.timedelta(days=3, microseconds=1)], pa.duration("us")),
        (["x", None], pa.large_string()),
        ([None, None], pa.null()),
        ([], pa.null()),
    ],
)
def test_one_type_of_python_is_one_of_arrow(values: list[Any], kind: pa.DataType) -> None:
    found = _column(*values)
    assert found.type == kind
    assert found.to_pylist() == values


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([1, 2.5, "x", None], ["1", "2.5", "x", None]),
        ([9007199254740993, 0.1], ["9007199254740993", "0.1"]),
        ([True, "x"], ["true", "x"]),
        ([b"\x00\xff", "x"], ["00ff", "x"]),
        ([10**76, 1], [str(10**76), "1"]),
        ([Decimal("NaN"), Decimal("1.50")], ["NaN", "1.5"]),
        ([Decimal("1E-90"), Decimal(100)], ["1E-90", "100"]),
        ([dt.date(2013, 1, 5), dt.datetime(2013, 1, 5)], ["2013-01-05", "2013-01-05T00:00:00"]),
        (
            [dt.datetime(2013, 1, 5), dt.datetime(2013, 1, 5, 1, tzinfo=EAST)],
            ["2013-01-05T00:00:00", "2013-01-04T23:00:00+00:00"],
        ),
        ([dt.time(1, tzinfo=EAST)], ["01:00:00+02:00"]),
        ([uuid.UUID(int=1)], ["00000000-0000-0000-0000-000000000001"]),
        (
            [[1, Decimal("1.50"), None, "ü", 0.1, dt.date(2013, 1, 5), float("nan")], {"a": (True,), 2: []}],
            ['[1, 1.50, null, "ü", 0.1, "2013-01-05", "nan"]', '{"a": [true], "2": []}'],
        ),
    ],
)
def test_what_has_no_type_in_common_is_text_in_full(values: list[Any], written: list[str]) -> None:
    found = _column(*values)
    assert found.type == pa.large_string()
    assert found.to_pylist() == written


def test_a_moment_with_a_zone_is_one_in_utc() -> None:
    found = _column(dt.datetime(2013, 1, 5, 1, tzinfo=EAST))
    assert found.type == pa.timestamp("us", "UTC")
    assert found.to_pylist() == [dt.datetime(2013, 1, 4, 23, tzinfo=dt.UTC)]


@given(st.lists(SOME, max_size=8), st.integers(0, 8))
def test_a_table_does_not_depend_on_where_its_parts_were_cut(values: list[Any], cut: int) -> None:
    rows = [(value,) for value in values]
    whole, parts = columns.table(["a"], [rows]), columns.table(["a"], [rows[:cut], [], rows[cut:]])
    assert parts.schema == whole.schema
    assert repr(parts.to_pylist()) == repr(whole.to_pylist())  # NaN is not equal to itself


def test_columns_keep_their_order_and_a_name_that_comes_twice() -> None:
    found = columns.table(["b", "a", "b"], [[(1, "x", None)], [(2, "y", 0.5)]])
    assert found.column_names == ["b", "a", "b"]
    assert [column.to_pylist() for column in found.columns] == [[1, 2], ["x", "y"], [None, 0.5]]
    assert columns.table(["a", "a"], []).column_names == ["a", "a"]
    with pytest.raises(UnicodeEncodeError):
        columns.table(["a"], [[("\ud800",)]])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each, max_size=3)))
def test_nested_values_are_json(value: Any) -> None:
    assert json.loads(columns.text([value])) == [value]
