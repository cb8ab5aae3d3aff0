"""What a corrected delivery changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract import reading
from ratchet.data import corrections, tables
from ratchet.data.corrections import Reach
from tests.conftest import ROOT
from tests.given.deliveries import rows_of_day

WIND = reading.read(ROOT / "tests" / "loops" / "wind" / "loop.yaml")


def _reach(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    schema = tables.empty(WIND.tables["weather"].columns).schema
    sides = ({"weather": pa.Table.from_pylist(rows, schema=schema)} for rows in (old, new))
    return dataclasses.astuple(corrections.reach(WIND, *sides))


def test_rows_that_come_go_and_differ_are_told_apart() -> None:
    rows = rows_of_day()
    warmer = [{**row, "temp": 70.0} for row in rows[:4]]
    assert _reach(rows, rows) == (0, 0, 0, 0)
    assert _reach(rows, rows[::-1]) == (0, 0, 0, 0)
    assert _reach(rows[:50], rows) == (10, 0, 0, 10)
    assert _reach(rows, rows[7:]) == (0, 7, 0, 7)
    assert _reach(rows, [*warmer, *rows[4:]]) == (0, 0, 4, 0)  # the label is the wind
    assert _reach(rows[:-1], [*warmer, *rows[5:]]) == (1, 1, 4, 2)


def test_labels_are_those_that_differ_come_or_go() -> None:
    rows = rows_of_day()
    unknown = [{**row, "wind_speed": None} for row in rows[:3]]
    stronger = [{**row, "wind_speed": row["wind_speed"] + 1} for row in rows[:3]]
    assert _reach(rows, [*stronger, *rows[3:]]) == (0, 0, 3, 3)
    assert _reach(rows, [*unknown, *rows[3:]]) == (0, 0, 3, 3)
    assert _reach([*unknown, *rows[3:]], rows) == (0, 0, 3, 3)
    # A row without a label brings none, and takes none away.
    assert _reach(rows[3:], [*unknown, *rows[3:]]) == (3, 0, 0, 0)
    assert _reach([*unknown, *rows[3:]], rows[3:]) == (0, 3, 0, 0)


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_missing_equals_what_is_missing(value: float | None) -> None:
    rows = [{**row, "temp": value, "wind_speed": value} for row in rows_of_day()]
    assert _reach(rows, [dict(row) for row in rows]) == (0, 0, 0, 0)
    warmer = [{**row, "temp": 20.0} for row in rows]
    assert _reach(rows, warmer) == (0, 0, 60, 0)
    assert _reach(warmer, rows) == (0, 0, 60, 0)


def test_a_day_that_had_no_rows_comes_whole() -> None:
    assert _reach([], rows_of_day()) == (60, 0, 0, 60)
    assert _reach(rows_of_day(), []) == (0, 60, 0, 60)


@given(old=st.sets(st.integers(0, 59)), new=st.sets(st.integers(0, 59)), warmer=st.sets(st.integers(0, 59)))
def test_every_row_is_counted_once(old: set[int], new: set[int], warmer: set[int]) -> None:
    rows = rows_of_day()
    before = [rows[i] for i in sorted(old)]
    after = [{**rows[i], "temp": 99.0} if i in warmer else rows[i] for i in sorted(new)]
    assert _reach(before, after) == (len(new - old), len(old - new), len(old & new & warmer), len(old ^ new))


def test_rows_are_those_of_all_tables_and_labels_those_of_the_first() -> None:
    loop = reading.read(ROOT / "include" / "loops" / "flight_delays" / "loop.yaml")
    old = {name: tables.empty(spec.columns) for name, spec in loop.tables.items()}
    told = [{name: row[name] for name in ("observed_at", "origin", "temp")} for row in rows_of_day(3)]
    weather = pa.Table.from_pylist(told, schema=old["weather"].schema)
    assert corrections.reach(loop, old, {**old, "weather": weather}) == Reach(3, 0, 0, 0)
    flown = {"sched_dep": told[0]["observed_at"], "carrier": "UA", "flight": 1, "origin": "EWR", "arr_delay": 20}
    flights = [dict.fromkeys(loop.tables["flights"].columns) | flown | {"flight": n} for n in range(2)]
    before = {**old, "flights": pa.Table.from_pylist(flights, schema=old["flights"].schema)}
    later = [{**each, "arr_delay": delay} for each, delay in zip(flights, (21, 10), strict=True)]
    after = {"weather": weather, "flights": pa.Table.from_pylist(later, schema=old["flights"].schema)}
    assert corrections.reach(loop, before, after) == Reach(3, 0, 2, 1)  # of the first, 20 is as late as 21


def test_columns_that_the_contract_does_not_know_change_nothing() -> None:
    plain = pa.Table.from_pylist(rows_of_day())
    more = plain.append_column("quality", pa.array(range(plain.num_rows)))
    assert corrections.reach(WIND, {"weather": plain}, {"weather": more}) == Reach(0, 0, 0, 0)


def test_a_reach_is_told_in_words() -> None:
    assert Reach(1, 2, 3, 4).words == "1 rows came, 2 went, 3 differ, 4 labels"
