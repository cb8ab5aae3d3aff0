"""Which expectations DuckDB is asked about, and what it counts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ratchet.adapters.expectations import database, library

NAN = float("nan")
TABLE = pa.table(
    {
        "n": pa.array([1, 2, None, 2]),
        "x": pa.array([0.5, NAN, None, 3.0]),
        "s": pa.array(["a", "b", None, ""]),
        "nul": pa.array(["a", "b\0", None, ""]),
        'A "name"; --': pa.array([1, 2, 3, 4]),
        "big": pa.array([2**53 + 1, 1, 2, 3]),
        "small": pa.array([1, 1, 2, 3], pa.int32()),
    }
)


def _asked(kind: str, **kwargs: Any) -> Any:
    (one,) = library.ordered(
        library.great_expectations().ExpectationSuite(name="s", expectations=[{"type": kind, "kwargs": kwargs}])
    )
    with database.given(TABLE, [one]) as asked:
        (counts,) = asked.counts()
    return counts and {name.removeprefix("column_values."): count for name, count in counts.items()}


def test_rows_nulls_and_what_is_unexpected_are_counted() -> None:
    between = _asked("expect_column_values_to_be_between", column="x", min_value=1, max_value=4)
    assert between == {"nonnull.unexpected_count": 2, "between.unexpected_count": 1, "table.row_count": 4}
    unique = _asked("expect_column_values_to_be_unique", column="n")
    assert unique == {"nonnull.unexpected_count": 1, "unique.unexpected_count": 2, "table.row_count": 4}


def test_what_is_no_number_is_a_null_as_it_is_to_pandas() -> None:
    assert _asked("expect_column_values_to_not_be_null", column="x") == {
        "nonnull.unexpected_count": 2,
        "table.row_count": 4,
    }


def test_a_name_is_no_sql() -> None:
    found = _asked("expect_column_values_to_be_between", column='A "name"; --', min_value=1, max_value=3)
    assert found["between.unexpected_count"] == 1


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        ("expect_column_values_to_match_regex", {"column": "s", "regex": "a"}),  # another language of them
        ("expect_column_values_to_be_between", {"column": "n", "min_value": 2**53}),  # a float to the library
        ("expect_column_values_to_be_between", {"column": "n", "min_value": "2024-01-01"}),
        ("expect_column_values_to_be_between", {"column": "small", "min_value": 1}),  # of no contract
        ("expect_column_values_to_be_in_set", {"column": "n", "value_set": ["a"]}),
        ("expect_column_values_to_be_in_set", {"column": "s", "value_set": []}),
        ("expect_column_values_to_be_in_set", {"column": "s", "value_set": ["a", None]}),
        ("expect_column_values_to_be_unique", {"column": "x"}),
        ("expect_column_values_to_be_unique", {"column": "nul"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["n", "s"]}),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "n", "column_B": "x"}),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "big", "column_B": "n", "ignore_row_if": "either_value_is_missing"},
        ),
        (
            "expect_column_values_to_not_be_null",
            {"column": "s", "row_condition": "n > 1", "condition_parser": "pandas"},
        ),
        ("expect_column_values_to_not_be_null", {"column": "nowhere"}),
        ("expect_column_mean_to_be_between", {"column": "n", "max_value": 1}),
    ],
)
def test_what_duckdb_may_see_otherwise_it_is_not_asked(kind: str, kwargs: dict[str, Any]) -> None:
    assert _asked(kind, **kwargs) is None


def test_the_rows_of_doubled_keys_are_found() -> None:
    key = {"column_list": ["n", "small"], "ignore_row_if": "any_value_is_missing"}
    table = pa.table({"n": [1, 2, None, 2, None], "small": ["a", "b", "c", "b", "c"]})
    (one,) = library.ordered(
        library.great_expectations().ExpectationSuite(
            name="s", expectations=[{"type": "expect_compound_columns_to_be_unique", "kwargs": key}]
        )
    )
    with database.given(table, [one]) as asked:
        assert asked.doubled(0).to_pylist() == [1, 3]
