"""Types of the contract: a value is kept to the last bit, or it does not fit."""

from __future__ import annotations

import datetime as dt
import math
import os
import time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ratchet.contract.table import ColumnType, Table
from ratchet.data import conversion
from ratchet.errors import DataError


def _spec(kind: ColumnType, **more: Any) -> Table:
    return Table.model_construct(key=("x",), time="x", suite="", columns={"x": kind}, **more)


def _read(kind: ColumnType, value: object, type_: Any = None, **more: Any) -> object:
    """Return what a value becomes, or `misfit`."""
    found = conversion.convert(pa.table({"x": pa.array([value], type_)}), _spec(kind, **more))
    return "misfit" if found.misfits else found.table.column("x").to_pylist()[0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int64", "8", 8),
        ("int64", "8.5", "misfit"),
        ("int64", "3.0", 3),
        ("int64", "9007199254740993", 9007199254740993),
        ("int64", "9223372036854775808", "misfit"),
        ("int64", "1_000", "misfit"),
        ("int64", "1,000", "misfit"),
        ("int64", " 7 ", 7),
        ("int64", "", None),
        ("int64", "NA", "misfit"),
        ("float64", "0.1", 0.1),
        ("float64", "9007199254740993", "misfit"),
        ("float64", "1e400", "misfit"),
        ("float64", "-inf", -math.inf),
        ("float64", "1,5", "misfit"),
        ("bool", "TRUE", True),
        ("bool", "no", False),
        ("bool", "2", "misfit"),
        ("string", "1.10", "1.10"),
        ("string", "", ""),
        ("string", " TRUE ", " TRUE "),
        ("string", "5.1.2003", "5.1.2003"),
        ("timestamp", "2024-03-01", dt.datetime(2024, 3, 1)),
        ("timestamp", "2024-03-01T10:00:00.123456", dt.datetime(2024, 3, 1, 10, 0, 0, 123456)),
        ("timestamp", "2024-03-01 10:00:00.1234567", "misfit"),
        ("timestamp", "2024-03-01 10:00:00.123456000", dt.datetime(2024, 3, 1, 10, 0, 0, 123456)),
        ("timestamp", "2024-03-01T01:00:00+05:30", dt.datetime(2024, 2, 29, 19, 30)),
        ("timestamp", "2024-03-01T10:00:00-0500", dt.datetime(2024, 3, 1, 15)),
        ("timestamp", "2024-03-01T10:00:00Z", dt.datetime(2024, 3, 1, 10)),
        ("timestamp", "01/03/2024", "misfit"),
        ("timestamp", "2024-02-30", "misfit"),
        ("date", "2024-03-01 00:00:00", dt.date(2024, 3, 1)),
        ("date", "2024-03-01 10:00:00", "misfit"),
    ],
)
def test_a_text_is_read_as_it_was_written_or_does_not_fit(kind: ColumnType, text: str, value: object) -> None:
    assert _read(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "value", "type_", "found"),
    [
        ("int64", 8.5, pa.float64(), "misfit"),
        ("int64", 8.0, pa.float64(), 8),
        ("int64", math.nan, pa.float64(), "misfit"),
        ("int64", 2.0**63, pa.float64(), "misfit"),
        ("int64", 2**63, pa.uint64(), "misfit"),
        ("int64", 2**63 - 1, pa.uint64(), 2**63 - 1),
        ("int64", Decimal("1.50"), None, "misfit"),
        ("int64", Decimal("2.00"), None, 2),
        ("int64", True, None, 1),
        ("int64", dt.timedelta(1), None, "misfit"),
        ("float64", 2**53 + 1, pa.int64(), "misfit"),
        ("float64", 2**60, pa.int64(), 2.0**60),
        ("float64", Decimal("12345678901234567.89"), None, 12345678901234567.89),
        ("float64", Decimal("0.1"), None, 0.1),
        ("bool", 2, None, "misfit"),
        ("bool", 1.0, None, True),
        ("timestamp", 1, pa.timestamp("ns"), "misfit"),
        ("timestamp", 1000, pa.timestamp("ns"), dt.datetime(1970, 1, 1, 0, 0, 0, 1)),
        ("timestamp", 0, pa.timestamp("s", tz="Asia/Kolkata"), dt.datetime(1970, 1, 1)),
        ("timestamp", dt.date(2024, 3, 1), None, dt.datetime(2024, 3, 1)),
        ("timestamp", 5, pa.int64(), "misfit"),
        ("date", 5, pa.timestamp("s"), "misfit"),
        ("string", 1.1, None, "1.1"),
        ("string", b"\xff", None, "misfit"),
        ("string", [1, None], None, "[1, null]"),
        ("float64", None, pa.null(), None),
    ],
)
def test_a_value_of_another_type_is_the_same_or_does_not_fit(
    kind: ColumnType, value: object, type_: Any, found: object
) -> None:
    assert _read(kind, value, type_) == found


def test_dates_and_decimals_are_read_as_the_table_says() -> None:
    assert _read("timestamp", "01/03/2024", date_format="%d/%m/%Y") == dt.datetime(2024, 3, 1)
    assert _read("timestamp", "2024-03-01", date_format="%d/%m/%Y") == "misfit"
    assert _read("date", "13.13.2024", date_format={"x": "%d.%m.%Y"}) == "misfit"
    assert _read("float64", "1,5", decimal=",") == 1.5
    assert _read("float64", "1.234,5", decimal=",") == "misfit"  # whether a point is a thousand's nobody has said


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_the_hosts_zone_moves_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert _read("timestamp", "2024-03-01T01:00:00+05:30") == dt.datetime(2024, 2, 29, 19, 30)
        assert _read("timestamp", "2024-03-01 01:00") == dt.datetime(2024, 3, 1, 1)
        moment = dt.datetime(2024, 3, 1, 1, tzinfo=dt.UTC)
        assert _read("timestamp", moment, pa.timestamp("us", tz="America/New_York")) == dt.datetime(2024, 3, 1, 1)
    finally:
        del os.environ["TZ"]
        time.tzset()


def test_what_is_new_missing_and_retyped_is_told() -> None:
    given = pa.table({"x": pa.array([1, 2], pa.int32()), "extra": [True, False]})
    found = conversion.convert(given, _spec("int64"))
    assert found.notes == ["x was int32, read as int64", "new column extra (bool), kept"]
    assert found.table.column_names == ["x", "extra"]
    with pytest.raises(DataError, match="dropped column x"):
        conversion.convert(pa.table({"y": [1]}), _spec("int64"))


def test_what_does_not_fit_is_named_by_its_row_and_the_others_stay() -> None:
    found = conversion.convert(pa.table({"x": ["1", "8.5", None, "2"]}), _spec("int64"))
    assert found.table.column("x").to_pylist() == [1, None, None, 2]
    assert found.misfits["x"].to_pylist() == [False, True, False, False]
    with pytest.raises(DataError, match="type change of x: found string, expected int64; what row 2 holds"):
        conversion.conform(pa.table({"x": ["1", "8.5"]}), {"x": "int64"})


@pytest.mark.parametrize("more", [{}, {"decimal": ",", "date_format": "%d.%m.%Y %H:%M:%S.%f"}])
@pytest.mark.parametrize(
    ("kind", "values", "type_"),
    [
        ("float64", [0.1, -0.0, 5e-324, 1.7e308], pa.float64()),
        ("int64", [2**63 - 1, -(2**63)], pa.int64()),
        ("timestamp", [dt.datetime(2024, 3, 1, 10, 0, 0, 7)], pa.timestamp("us")),
        ("bool", [True, False], pa.bool_()),
        ("float64", [Decimal("1.50")], None),
    ],
)
def test_what_is_written_out_as_text_is_read_again(
    kind: ColumnType, values: list[Any], type_: Any, more: dict[str, Any]
) -> None:
    spec, column = _spec(kind, **more), pa.chunked_array([pa.array(values, type_)])
    texts = conversion.text(column, spec, "x")
    found = conversion.convert(pa.table({"x": texts}), spec)
    assert not found.misfits
    assert list(map(repr, found.table.column("x").to_pylist())) == [
        repr(float(v) if kind == "float64" else v) for v in values
    ]
