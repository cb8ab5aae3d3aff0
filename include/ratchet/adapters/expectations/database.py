"""Great Expectations' SQL engine on DuckDB: how many rows break an expectation, where it tells that as pandas would.

That is so of what is listed here, and of nothing else: an order of texts, a regular expression, a float that stands for
an integer it is not, are two things to the two. Columns get names of ours, so that nobody's name becomes SQL.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.adapters.expectations import library
from ratchet.adapters.expectations import suite as suites
from ratchet.adapters.expectations.frames import EXACT, small
from ratchet.data import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_MEMORY = "1GB"  # beyond it DuckDB writes to a folder of its own
_MOST = 1_000  # values of a set: each is a parameter of the query
_LONG = 2**63
_TABLE, _AT = "delivered", "place"  # where the rows are, and each one's position


class Asked:
    """A table as DuckDB sees it, and which configurations it may be asked about."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, asked: list[Any | None]) -> None:
        self._connection, self._asked = connection, asked

    def counts(self) -> list[dict[str, Any] | None]:
        """Return what is counted for each configuration: rows, nulls, unexpected; None where that is not known."""
        from great_expectations.execution_engine import SqlAlchemyExecutionEngine
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData

        from ratchet.adapters.expectations import dialect

        places = [at for at, each in enumerate(self._asked) if each is not None]
        found: list[dict[str, Any] | None] = [None] * len(self._asked)
        if places:
            on = SqlAlchemyExecutionEngine(engine=dialect.engine(self._connection))
            data = SqlAlchemyBatchData(execution_engine=on, table_name=_TABLE, create_temp_table=False)
            on.load_batch_data(_TABLE, data)
            told = library.metrics(on, [self._asked[at] for at in places], library.COUNTS)
            for at, counts in zip(places, told, strict=True):
                if counts is not None and None not in counts.values():
                    found[at] = {name: int(count) for name, count in counts.items()}
        return found

    def doubled(self, at: int) -> pa.Array:
        """Return the positions of the rows whose key comes again, in order; a key with a null has none."""
        each = self._asked[at]
        names = suites.columns(each.kwargs) if each is not None else []
        there = " AND ".join(f"{name} IS NOT NULL" for name in names)
        query = f"SELECT {_AT} FROM {_TABLE} WHERE {there} QUALIFY count(*) OVER (PARTITION BY {', '.join(names)}) > 1"
        return self._connection.sql(f"{query} ORDER BY {_AT}").to_arrow_table().column(0).combine_chunks()


@contextlib.contextmanager
def given(table: pa.Table, configurations: Sequence[Any]) -> Iterator[Asked]:
    """Open DuckDB on the columns of a table that it may be asked about; what pandas takes for a null is one."""
    import numpy as np
    import pyarrow as pa

    fit = [_fits(each, table) for each in configurations]
    columns = dict.fromkeys(n for each, fits in zip(configurations, fit, strict=True) if fits for n in _named(each))
    ours = {name: f"c{number}" for number, name in enumerate(columns)}
    with tempfile.TemporaryDirectory() as folder, sql.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {sql.quoted(folder)}")
        place = pa.array(np.arange(table.num_rows))
        connection.register("arrow", pa.table({_AT: place, **{ours[name]: table.column(name) for name in ours}}))
        shown = [_shown(of, table.column(name).type) for name, of in ours.items()]
        connection.execute(f"CREATE TEMP VIEW {_TABLE} AS SELECT {', '.join([_AT, *shown])} FROM arrow")
        yield Asked(connection, [_ours(e, ours) if fits else None for e, fits in zip(configurations, fit, strict=True)])


def _shown(name: str, kind: pa.DataType) -> str:
    import pyarrow as pa

    return f"CASE WHEN NOT isnan({name}) THEN {name} END AS {name}" if pa.types.is_floating(kind) else name


def _ours(each: Any, ours: dict[str, str]) -> Any:
    """Return a configuration that speaks of our names."""
    named = {k: ours[v] for k, v in each.kwargs.items() if k in ("column", "column_A", "column_B")}
    listed = {k: [ours[name] for name in v] for k, v in each.kwargs.items() if k == "column_list"}
    return type(each)(type=each.type, kwargs={**each.kwargs, **named, **listed})


def _named(each: Any) -> list[str]:
    return suites.columns(each.kwargs)


def _fits(each: Any, table: pa.Table) -> bool:
    """Say whether DuckDB counts for a configuration what pandas would."""
    rule = _RULES.get(each.type)
    if rule is None:
        return False
    allowed, holds = rule
    given = {name: value for name, value in each.kwargs.items() if value is not None}
    there = {*table.column_names}
    if {*given} - allowed - {"mostly"} or isinstance(given.get("mostly"), dict) or {*_named(each)} - there:
        return False
    return holds([table.column(name) for name in _named(each)], given)


def _is(column: pa.ChunkedArray, *kinds: str) -> bool:
    import pyarrow as pa

    of = {"int": pa.int64(), "float": pa.float64(), "text": pa.string(), "bool": pa.bool_(), "day": pa.date32()}
    of["time"] = pa.timestamp("us")
    return column.type in [of[kind] for kind in kinds]


def _between(columns: list[pa.ChunkedArray], given: dict[str, Any]) -> bool:
    """Numbers: bounds are floats to Great Expectations, and an integer beyond 2^53 may be another one as a float."""
    bounds = [given[side] for side in ("min_value", "max_value") if side in given]
    plain = all(isinstance(b, int | float) and not isinstance(b, bool) and abs(b) < EXACT for b in bounds)
    return plain and all(math.isfinite(bound) for bound in bounds) and _is(columns[0], "int", "float")


def _among(columns: list[pa.ChunkedArray], given: dict[str, Any]) -> bool:
    values = given.get("value_set")
    if not isinstance(values, list) or not 0 < len(values) <= _MOST:
        return False
    if _is(columns[0], "text"):
        return all(isinstance(value, str) for value in values)
    return _is(columns[0], "int") and all(type(value) is int and -_LONG <= value < _LONG for value in values)


def _any(columns: list[pa.ChunkedArray], _: dict[str, Any]) -> bool:
    return all(_is(column, "int", "float", "text", "bool", "time", "day") for column in columns)


def _keys(columns: list[pa.ChunkedArray], _: dict[str, Any]) -> bool:
    """No floats, 0.0 and -0.0 are one to some; no text with a NUL, where pandas may end it."""
    import pyarrow.compute as pc

    plain = all(_is(column, "int", "text", "time", "day") for column in columns)
    texts = [column for column in columns if _is(column, "text")]
    return plain and not any(pc.any(pc.match_substring(column, "\0")).as_py() for column in texts)


def _key(columns: list[pa.ChunkedArray], given: dict[str, Any]) -> bool:
    return given.get("ignore_row_if") == "any_value_is_missing" and _keys(columns, given)


def _ordered(columns: list[pa.ChunkedArray], given: dict[str, Any]) -> bool:
    """Of one type; integers that floats stand for, once there is a null in one of the two."""
    first, second = columns
    same = first.type == second.type and _is(first, "int", "float", "time", "day")
    exact = not _is(first, "int") or (small(first) and small(second))
    return same and exact and given.get("ignore_row_if") == "either_value_is_missing"


_Rule = tuple[set[str], Callable[[list[Any], dict[str, Any]], bool]]
_RULES: dict[str, _Rule] = {
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A", "column_B", "or_equal", "ignore_row_if"},
        _ordered,
    ),
    "expect_column_values_to_be_between": ({"column", "min_value", "max_value", "strict_min", "strict_max"}, _between),
    "expect_column_values_to_be_in_set": ({"column", "value_set"}, _among),
    "expect_column_values_to_be_unique": ({"column"}, _keys),
    "expect_column_values_to_not_be_null": ({"column"}, _any),
    "expect_table_row_count_to_be_between": ({"min_value", "max_value", "strict_min", "strict_max"}, lambda *_: True),
    "expect_table_row_count_to_equal": ({"value"}, lambda *_: True),
    suites.DUPLICATE: ({"column_list", "ignore_row_if"}, _key),
}
