"""Parting by days: no row is lost, doubled or moved, however the pieces come."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.table import Table
from ratchet.data import parting
from ratchet.errors import DataError

DAYS = ["2024-03-01", "2024-03-02", "2024-03-03"]
SPEC = Table(key=("n",), time="at", suite="s", columns={"n": "int64", "at": "timestamp"})
MOMENTS = st.datetimes(dt.datetime(2024, 2, 29), dt.datetime(2024, 3, 5)) | st.none()


def _parted(rows: pa.Table | Iterator[pa.Table], days: list[str]) -> dict[str, list[dict[str, object]]]:
    with tempfile.TemporaryDirectory() as folder:
        return {day: table.to_pylist() for day, table in parting.by_day(rows, SPEC, days, Path(folder))}


def _table(rows: list[tuple[int, dt.datetime | None]], as_text: bool = False) -> pa.Table:
    moments = [None if at is None else at.isoformat() if as_text else at for _, at in rows]
    kind = pa.string() if as_text else pa.timestamp("us")
    return pa.table({"n": pa.array([n for n, _ in rows], pa.int64()), "at": pa.array(moments, kind)})


@pytest.mark.parametrize("held", [0, 10**9])
@given(pieces=st.lists(st.tuples(st.lists(MOMENTS, max_size=6), st.booleans()), max_size=5))
def test_every_row_is_in_its_day_once_and_in_order(
    held: int, pieces: list[tuple[list[dt.datetime | None], bool]]
) -> None:
    """What is of no day asked for stays with the first day that came with it. held 0 puts all aside."""
    count, tables, wanted = 0, [], dict[str, list[int]]((day, []) for day in DAYS)
    for moments, as_text in pieces:
        rows = [(count + n, at) for n, at in enumerate(moments)]
        count += len(rows)
        tables.append(_table(rows, as_text))
        days = ["" if at is None else at.date().isoformat() for _, at in rows]
        first = min((day for day in days if day in DAYS), default=DAYS[0])
        for (n, _), day in zip(rows, days, strict=True):
            wanted[day if day in DAYS else first].append(n)
    with mock.patch.object(parting, "_HELD", held):
        found = _parted(iter(tables), DAYS)
    assert {day: [row["n"] for row in rows] for day, rows in found.items()} == wanted


def test_one_day_takes_all_and_a_marked_table_is_its_days() -> None:
    table = _table([(1, dt.datetime(2024, 3, 1)), (2, dt.datetime(2024, 3, 9)), (3, None)])
    assert [row["n"] for row in _parted(table, DAYS[:1])[DAYS[0]]] == [1, 2, 3]
    marked = parting.of_day(table, dt.date(2024, 3, 2))
    assert [row["n"] for row in _parted(marked, DAYS)[DAYS[1]]] == [1, 2, 3]


def test_two_types_become_text_and_none_is_promoted() -> None:
    parts = [pa.table({"n": [2**53 + 1], "at": ["2024-03-01"]}), pa.table({"n": [8.5], "at": ["2024-03-01"]})]
    assert [row["n"] for row in _parted(iter(parts), DAYS[:1])[DAYS[0]]] == ["9007199254740993", "8.5"]


def test_a_column_of_the_contract_that_a_row_lacks_is_dropped_and_another_is_null() -> None:
    parts = [pa.table({"n": [1], "at": ["2024-03-01"], "more": ["x"]}), pa.table({"n": [2], "extra": [True]})]
    found = _parted(iter(parts), DAYS[:1])[DAYS[0]]
    assert found == [{"n": 1, "more": "x", "extra": None}, {"n": 2, "more": None, "extra": True}]


def test_a_day_without_rows_has_the_columns_that_came_and_two_columns_of_a_name_are_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = dict(parting.by_day(_table([]), SPEC, DAYS, Path(folder)))
        assert all(table.column_names == ["n", "at"] for table in found.values())
        doubled = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["n", "n"])
        with pytest.raises(DataError, match=r"two columns 'n'\. Name one otherwise"):
            list(parting.by_day(doubled, SPEC, DAYS, Path(folder)))
