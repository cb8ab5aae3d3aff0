"""Large tables: both ways find the same, whatever the table and the suite."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.adapters import expectations
from ratchet.adapters.expectations import large, library

CHUNK = 4
NAN, BIG = float("nan"), 2**53
INTEGERS = st.sampled_from([0, 1, 2, 3, -1, BIG, BIG + 1, 2**62, -(2**63)])
VALUES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "i": (pa.int64(), INTEGERS),
    "j": (pa.int64(), st.integers(0, 3)),
    "x": (pa.float64(), st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.0, -1.0, 1e300, NAN, float("inf"), float(BIG)])),
    "y": (pa.float64(), st.sampled_from([0.0, 1.0, 2.0, NAN])),
    "s": (
        pa.string(),
        st.sampled_from(["", "a", "b", "A", "é", "e\u0301", "日本", "a\0", "'", "a b", "\ufeff", "a\n"]),
    ),
    "t": (pa.timestamp("us"), st.sampled_from([dt.datetime(2024, 1, day) for day in (1, 2, 3)])),
    "u": (pa.timestamp("us"), st.sampled_from([dt.datetime(2024, 1, day) for day in (1, 2, 3)])),
    "d": (pa.date32(), st.sampled_from([dt.date(2024, 1, day) for day in (1, 2, 3)])),
    "b": (pa.bool_(), st.booleans()),
}
NAMES = list(VALUES)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw a table of more rows than a chunk: columns with nulls and without, often with few values, cut anyhow."""
    rows = draw(st.integers(CHUNK + 1, 14))
    columns = {}
    for name, (kind, values) in VALUES.items():
        few = draw(st.lists(values, min_size=1, max_size=2)) if draw(st.booleans()) else None
        each = st.sampled_from(few) if few else values
        each = st.one_of(st.none(), each) if draw(st.booleans()) else each
        made = draw(st.lists(each, min_size=rows, max_size=rows))
        if draw(st.integers(0, 3)) == 0 and name in "ij":
            made = draw(st.permutations(range(rows)))
        at = draw(st.integers(0, rows))
        columns[name] = pa.chunked_array([pa.array(made[:at], kind), pa.array(made[at:], kind)])
    return pa.table(columns)


def _one(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": {name: value for name, value in kwargs.items() if value is not None}}


_column = st.sampled_from(NAMES)
_bound = st.one_of(st.none(), st.sampled_from([0, 1, 2, 1.5, -1, BIG, BIG + 1, 2**63]), st.integers(-2, 4))
_words = st.lists(VALUES["s"][1], max_size=4)
EXPECTATIONS = {
    "between": st.builds(
        lambda **kwargs: _one("expect_column_values_to_be_between", **kwargs),
        column=_column,
        min_value=_bound.filter(lambda bound: bound is not None),
        max_value=_bound,
        strict_min=st.sampled_from([None, True]),
    ),
    "moments": st.builds(
        lambda column, low: _one("expect_column_values_to_be_between", column=column, min_value=low),
        st.sampled_from(["t", "d", "s"]),
        st.just("2024-01-02"),
    ),
    "set": st.builds(
        lambda column, values: _one("expect_column_values_to_be_in_set", column=column, value_set=values),
        _column,
        st.one_of(_words, st.lists(INTEGERS, max_size=5), st.just([0, 1, 2, 3]), st.just([0.0, 1.5])),
    ),
    "outside": st.builds(
        lambda column, values: _one("expect_column_values_to_not_be_in_set", column=column, value_set=values),
        _column,
        st.one_of(_words, st.lists(INTEGERS, max_size=3)),
    ),
    "null": st.builds(lambda column: _one("expect_column_values_to_not_be_null", column=column), _column),
    "nothing": st.builds(lambda column: _one("expect_column_values_to_be_null", column=column), _column),
    "unique": st.builds(lambda column: _one("expect_column_values_to_be_unique", column=column), _column),
    "regex": st.builds(
        lambda column, regex: _one("expect_column_values_to_match_regex", column=column, regex=regex),
        _column,
        st.sampled_from(["^[A-Z]$", "a$", r"\w", "^$", "[", r"\.0"]),
    ),
    "lengths": st.builds(
        lambda column, low: _one("expect_column_value_lengths_to_be_between", column=column, min_value=low),
        _column,
        st.integers(0, 2),
    ),
    "pair": st.builds(
        lambda **kwargs: _one("expect_column_pair_values_a_to_be_greater_than_b", **kwargs),
        column_A=_column,
        column_B=_column,
        or_equal=st.sampled_from([None, True]),
        ignore_row_if=st.sampled_from([None, "either_value_is_missing", "neither"]),
    ),
    "compound": st.builds(
        lambda names, ignored: _one("expect_compound_columns_to_be_unique", column_list=names, ignore_row_if=ignored),
        st.lists(_column, min_size=2, max_size=3, unique=True),
        st.sampled_from([None, "any_value_is_missing", "all_values_are_missing", "never"]),
    ),
    "rows": st.builds(
        lambda low, high: _one("expect_table_row_count_to_be_between", min_value=low, max_value=high),
        st.sampled_from([1, 9]),
        st.sampled_from([None, 10, 99]),
    ),
    "mean": st.builds(lambda column: _one("expect_column_mean_to_be_between", column=column, max_value=1), _column),
    "columns": st.just(_one("expect_table_column_count_to_equal", value=len(NAMES))),
    "exists": st.just(_one("expect_column_to_exist", column="nowhere")),
    "absent": st.just(_one("expect_column_values_to_not_be_null", column="nowhere")),
    "conditional": st.builds(
        lambda column, condition: _one(
            "expect_column_values_to_not_be_null", column=column, row_condition=condition, condition_parser="pandas"
        ),
        _column,
        st.sampled_from(["j > 1", "j == j.max()"]),
    ),
}


@st.composite
def suites(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a suite. None is twice in it: of two that fail alike, the second is told another reason."""
    found = draw(st.lists(st.one_of(*EXPECTATIONS.values()), min_size=1, max_size=8))
    for each in found:
        each["severity"] = draw(st.sampled_from(["critical", "warning", "info"]))
        if "column" in each["type"] and "table" not in each["type"] and "mean" not in each["type"]:
            mostly = draw(st.sampled_from([None, None, 0.5, 0.98, 1]))
            if mostly is not None and each["type"] != "expect_column_to_exist":
                each["kwargs"] = {**each["kwargs"], "mostly": mostly}
    alike = {json.dumps([each["type"], {**each["kwargs"], "mostly": 1}], sort_keys=True): each for each in found}
    return list(alike.values())


def _found(check: expectations.Check) -> Any:
    """Return all that a check says; of an expectation that could not be evaluated, why."""
    told = []
    for each in check.result.results:
        plain = each.to_json_dict()
        plain["exception_info"] = library.exception(each)
        told.append(json.dumps(plain, default=str))
    kept = {name: check.result.to_json_dict()[name] for name in ("success", "statistics", "suite_name")}
    return check.broken, check.copies, check.refused, check.warnings, kept, told


def _both(table: pa.Table, suite: list[dict[str, Any]], key: list[str], chunk: int = CHUNK) -> tuple[Any, Any]:
    """Hold a table to a suite in one frame, and as a large one."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        (folder / "expectations").mkdir()
        (folder / "expectations" / "mine.json").write_text(json.dumps({"expectations": suite}))
        whole = expectations.hold(table, folder, "mine", key)
        patch.setattr(large, "CHUNK", chunk)
        return whole, expectations.hold(table, folder, "mine", key)


@settings(max_examples=60)
@given(tables(), suites(), st.sampled_from([["i"], ["s"], ["i", "s"], ["t", "j"], ["x"]]))
def test_both_ways_find_the_same(table: pa.Table, suite: list[dict[str, Any]], key: list[str]) -> None:
    whole, parts = _both(table, suite, key)
    assert _found(parts) == _found(whole)
    assert {type(value) for each in parts.result.results for value in each.result.get("unexpected_list") or ()} == {
        type(value) for each in whole.result.results for value in each.result.get("unexpected_list") or ()
    }


FLIGHTS = [
    _one("expect_table_row_count_to_be_between", min_value=3),
    _one("expect_column_values_to_be_in_set", column="s", value_set=["a", "b"]),
    _one("expect_column_values_to_match_regex", column="s", regex="^[a-z]$"),
    _one("expect_column_values_to_not_be_null", column="s", mostly=0.5),
    _one("expect_column_values_to_be_between", column="x", min_value=0, max_value=4),
    _one(
        "expect_column_pair_values_a_to_be_greater_than_b",
        column_A="u",
        column_B="t",
        ignore_row_if="either_value_is_missing",
    ),
]


def _day(rows: int, **other: list[Any]) -> pa.Table:
    moments = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=row) for row in range(rows)]
    columns = {"i": list(range(rows)), "s": ["a", "b"] * (rows // 2), "x": [1.5] * rows, "t": moments}
    return pa.table(
        {**columns, "u": [moment + dt.timedelta(hours=1) for moment in moments], "w": ["wide"] * rows, **other}
    )


def _severe(suite: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "severity": "critical"} for each in suite]


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Return the rows and columns of each frame that is made from here on."""
    seen: list[tuple[int, tuple[str, ...]]] = []
    made = library.engine

    def engine(frame: Any = None) -> Any:
        if frame is not None:
            seen.append((len(frame), (*frame,)))
        return made(frame)

    monkeypatch.setattr(library, "engine", engine)
    return seen


def test_no_frame_is_larger_than_a_part_where_rows_are_judged_one_by_one(frames: list[Any]) -> None:
    """One frame of all rows took 9.6 times the table: 3.6 GB of a day of five million rows."""
    _, parts = _both(_day(40, s=["a", "b", None, "C"] * 10, x=[1.5, -1.0] * 20), _severe(FLIGHTS), ["i"])
    assert len(parts.broken) == 20
    whole, *of_parts = frames
    assert whole[0] == 40
    assert {*of_parts} == {(CHUNK, ("s", "x"))}  # of the columns that break something, or need an expression


def test_what_breaks_nothing_is_in_no_frame_but_for_regular_expressions(frames: list[Any]) -> None:
    whole, parts = _both(_day(10), _severe(FLIGHTS), ["i", "t"])
    assert _found(whole) == _found(parts)
    assert parts.result.success
    assert {names for _, names in frames[1:]} == {("s",)}


def test_keys_that_are_doubled_are_told_by_their_rows_alone(frames: list[Any]) -> None:
    whole, parts = _both(_day(40, i=[*range(20), *range(15, 35)]), [], ["i"])
    assert _found(parts) == _found(whole)
    assert sorted(parts.broken) == [*range(15, 25)]
    assert frames == [(40, ("i",)), (10, ("i",))]


def test_the_page_of_a_large_table_is_the_page_of_a_small_one() -> None:
    broken = _day(40, s=["a", "b", None, "C"] * 10, x=[1.5, -1.0] * 20)
    pages = [expectations.render(check) for check in _both(broken, _severe(FLIGHTS), ["i"])]
    plain = [re.sub(r"\d{8}T\d{6}\.\d{6}Z", "", page) for page in pages]
    assert plain[0] == plain[1]
    assert "unexpected values found" in plain[0]
