"""Random tables of every type that a contract knows, and the ways in which somebody would send them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import sqlite3
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from hypothesis import strategies as st
from pyarrow import parquet

from ratchet.contract.table import ColumnType, Table
from ratchet.data import tables
from tests.given.postgres import Postgres

DAY = dt.date(2024, 2, 29)
_START = dt.datetime(2024, 2, 29)
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"])
    | st.sampled_from(",;\"'\n\r\t 0"),
    max_size=8,
)
_NUMBERS = st.floats() | st.sampled_from([0.1, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53, 1e16, 1e22])
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    "string": _TEXT | st.sampled_from(["", "007", "1.10", "TRUE", "NA", "null", "5.1.2003", "NaN", " x ", '""', "\\N"]),
    "int64": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]),
    "float64": _NUMBERS,
    "bool": st.booleans(),
    "timestamp": st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    "date": st.dates(),
}
_OF_DAY = st.integers(0, 86_400 * 10**6 - 1).map(lambda us: _START + dt.timedelta(microseconds=us))


@dataclass(frozen=True)
class Sent:
    """A table that is sent: its contract, and its rows in Python's values."""

    columns: dict[str, ColumnType]
    rows: list[tuple[Any, ...]]

    @property
    def spec(self) -> Table:
        """The contract's table."""
        return Table(key=("row",), time="at", suite="s", columns=self.columns)

    @property
    def table(self) -> pa.Table:
        """The rows in the contract's types."""
        held = {
            name: pa.array([row[n] for row in self.rows], tables.types()[kind])
            for n, (name, kind) in enumerate(self.columns.items())
        }
        return pa.table(held)


@st.composite
def sent(draw: st.DrawFn, numbers: st.SearchStrategy[float] = _NUMBERS) -> Sent:
    """Draw a table of a day: a key, the row's time, and up to four columns of any type, with nulls."""
    kinds = draw(st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=4))
    columns: dict[str, ColumnType] = {"row": "int64", "at": "timestamp"}
    columns |= {f"c{n}": kind for n, kind in enumerate(kinds)}
    given = [VALUES[kind] if kind != "float64" else numbers for kind in kinds]
    values = st.tuples(_OF_DAY, *(st.none() | each for each in given))
    return Sent(columns, [(n, *row) for n, row in enumerate(draw(st.lists(values, max_size=6)))])


def bits(table: pa.Table) -> list[list[object]]:
    """Write a table out so that equal means equal to the last bit; a NaN is a NaN."""

    def one(value: object) -> object:
        if isinstance(value, float):
            return "NaN" if math.isnan(value) else struct.pack("<d", value)
        return value

    return [
        [name, str(table.schema.field(name).type), *map(one, table.column(name).to_pylist())]
        for name in table.column_names
    ]


def as_csv(given: Sent, path: Path) -> None:
    """Write CSV as RFC 4180 has it: a text in quotes, no value as nothing."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(given.columns) + "\r\n")
        for row in given.rows:
            stream.write(",".join(map(_field, row)) + "\r\n")


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return repr(value) if isinstance(value, float) else str(value)


def as_json(given: Sent, path: Path) -> None:
    """Write JSON; what it has no word for, as NaN and moments, is text."""

    def one(value: object) -> object:
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        return value if value is None or isinstance(value, str | int) else str(value)

    rows = [dict(zip(given.columns, map(one, row), strict=True)) for row in given.rows]
    path.write_text(json.dumps(rows), encoding="utf-8")


def as_parquet(given: Sent, path: Path) -> None:
    """Write Parquet in the contract's types."""
    parquet.write_table(given.table, path)


def as_sqlite(given: list[Sent], folder: Path) -> str:
    """Fill a database of SQLite, a table each; return its URL."""
    (folder / "x.db").unlink(missing_ok=True)
    kinds = {"int64": "INTEGER", "float64": "REAL", "bool": "INTEGER"}
    with contextlib.closing(sqlite3.connect(folder / "x.db")) as connection, connection:
        for n, each in enumerate(given):
            columns = ", ".join(f"{name} {kinds.get(kind, 'TEXT')}" for name, kind in each.columns.items())
            connection.execute(f"CREATE TABLE t{n} ({columns})")
            rows = [tuple(str(v) if isinstance(v, dt.date) else v for v in row) for row in each.rows]
            connection.executemany(f"INSERT INTO t{n} VALUES ({', '.join('?' * len(each.columns))})", rows)
    return "sqlite:///x.db"


def as_duckdb(given: list[Sent], folder: Path) -> str:
    """Fill a database of DuckDB, a table each; return its URL."""
    (folder / "x.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "x.duckdb")) as connection:
        for n, each in enumerate(given):
            connection.register("given", each.table)
            connection.execute(f"CREATE TABLE t{n} AS FROM given")
    return "duckdb:///x.duckdb"


def in_postgres(server: Postgres) -> Callable[[list[Sent], Path], str]:
    """Return what fills a database of PostgreSQL, a table each, and returns its URL."""
    engine = sa.create_engine(server.url)
    kinds = {
        "string": "text",
        "int64": "bigint",
        "float64": "float8",
        "bool": "boolean",
        "timestamp": "timestamp",
        "date": "date",
    }

    def fill(given: list[Sent], folder: Path) -> str:
        with engine.begin() as connection:
            for n, each in enumerate(given):
                columns = ", ".join(f"{name} {kinds[kind]}" for name, kind in each.columns.items())
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS t{n}")
                connection.exec_driver_sql(f"CREATE TABLE t{n} ({columns})")
                if each.rows:
                    marks = ", ".join(f"CAST(%s AS {kinds[kind]})" for kind in each.columns.values())
                    connection.exec_driver_sql(f"INSERT INTO t{n} VALUES ({marks})", each.rows)
        return server.text

    return fill
