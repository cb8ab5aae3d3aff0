"""DuckDB as Great Expectations' SQL engine speaks to it: through SQLAlchemy, to one connection, for a few numbers.

Great Expectations gives its connection back before it reads the rows of an answer, and SQLAlchemy then rolls back. In
DuckDB a connection is its own cursor, and the ROLLBACK takes the place of what it was about to tell: through another
dialect, duckdb-engine, each answer ends in "list index out of range". So a cursor here holds the rows of its answer
from the start, and nothing is committed or rolled back: data are only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    import sqlalchemy

_NAME = "ratchet_duckdb"


def engine(connection: duckdb.DuckDBPyConnection) -> sqlalchemy.Engine:
    """Return SQLAlchemy's engine on a connection."""
    from sqlalchemy import Engine, make_url
    from sqlalchemy.pool import StaticPool

    dialect = _dialect()
    pool = StaticPool(lambda: _Connection(connection), dialect=dialect)  # type: ignore[arg-type, return-value]
    return Engine(pool, dialect, make_url(f"{_NAME}://"))


@cache
def _dialect() -> sqlalchemy.Dialect:
    """Make the dialect: standard SQL, in which parameters are question marks."""
    from sqlalchemy.engine.default import DefaultDialect
    from sqlalchemy.types import NullType

    class Dialect(DefaultDialect):
        name = _NAME
        supports_statement_cache = True

        def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
            """List the columns of a table; of their types nobody asks."""
            rows = connection.exec_driver_sql(f'DESCRIBE "{table_name}"')
            return [{"name": name, "type": NullType(), "nullable": True} for name, *_ in rows]

    return Dialect(paramstyle="qmark", dbapi=duckdb)  # type: ignore[arg-type]


class _Cursor:
    """An answer, with all its rows."""

    rowcount = -1
    arraysize = 1
    lastrowid = None

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> None:
        told = self._connection.execute(query, list(parameters))
        self.description, self._rows = told.description, told.fetchall()

    def fetchall(self) -> list[Any]:
        return self.fetchmany(len(self._rows))

    def fetchone(self) -> Any:
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def close(self) -> None:
        self._rows = []


class _Connection:
    """The one connection, which whoever opened it closes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass
