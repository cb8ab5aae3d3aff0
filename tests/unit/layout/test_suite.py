"""The text of an expectation suite."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa

from ratchet.layout import look, roles, suite

HOURS = [dt.datetime(2024, 3, 1) + dt.timedelta(hours=hour) for hour in range(60)]


def _expected(**columns: Any) -> dict[str, dict[str, Any]]:
    y = [n * 7 % 13 for n in range(60)]
    sample = look.at_table(pa.table({"at": HOURS, **columns, "y": y}))
    found = json.loads(suite.text("mine", sample, roles.find(sample, None, "y", (), None)))
    assert found["name"] == "mine"
    return {
        f"{each['kwargs']['column']} {each['type'].removeprefix('expect_column_values_to_')}": each
        for each in found["expectations"]
    }


def test_bounds_keep_the_sign_and_what_grows_has_no_end() -> None:
    found = _expected(
        count=[n % 9 + 1 for n in range(60)],
        debt=[-1.5 * (n % 7) for n in range(60)],
        num=[10**9 + n for n in range(60)],
    )
    assert found["count be_between"]["kwargs"] == {"column": "count", "min_value": 0, "max_value": 17}
    assert found["debt be_between"]["kwargs"] == {"column": "debt", "min_value": -18.0, "max_value": 0.0}
    assert found["num be_between"]["kwargs"] == {"column": "num", "min_value": 10**9 - 59}


def test_missing_values_have_a_share_and_empty_columns_nothing() -> None:
    found = _expected(some=[None if n % 3 == 0 else 1.0 * (n % 7) for n in range(60)], none=pa.nulls(60, pa.float64()))
    assert found["some not_be_null"]["kwargs"]["mostly"] == 0.33
    assert found["some not_be_null"]["severity"] == "warning"
    assert not [name for name in found if name.startswith("none ")]


def test_levels_only_warn() -> None:
    found = _expected(shop=[f"s{n % 3}" for n in range(60)], name=[f"n{n}" for n in range(60)])
    assert found["shop be_in_set"]["severity"] == "warning"
    assert found["shop be_in_set"]["kwargs"]["value_set"] == ["s0", "s1", "s2"]
    assert "name be_in_set" not in found


def test_a_day_of_half_the_rows_is_told() -> None:
    """A file that was cut off between two rows looks like any other."""
    hours = [dt.datetime(2024, 3, 1, 12) + dt.timedelta(hours=hour) for hour in range(24 * 9)]
    sample = look.at_table(pa.table({"at": hours, "y": [n * 7 % 13 for n in range(24 * 9)]}))
    found = json.loads(suite.text("mine", sample, roles.find(sample, None, "y", (), None)))["expectations"][-1]
    assert (found["type"], found["severity"]) == ("expect_table_row_count_to_be_between", "warning")
    assert found["kwargs"] == {"min_value": 12, "max_value": 48}
