"""DuckDB as Great Expectations' SQL engine speaks to it: through SQLAlchemy, to one connection, for a few numbers.

Great Expectations gives its connection back before it reads the rows of an answer, and SQLAlchemy then rolls back. In
DuckDB a connection is its own cursor, and the ROLLBACK takes the place of what it was about to tell: through another
dialect, duckdb-engine, each answer ends in "list index out of range". So a cursor here holds the rows of its answer
from the start, and nothing is committed or rolled back: data are only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import sqlalchemy
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import StaticPool

_NAME = "ratchet_duckdb"


class Dialect(DefaultDialect):
    """Standard SQL; parameters are question marks."""

    name = _NAME
    supports_statement_cache = True
    default_paramstyle = "qmark"

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return where the exceptions are."""
        return duckdb

    def initialize(self, connection: Any) -> None:
        """Ask nothing of the database: there is nothing to find out."""

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        """List the columns of a table; of their types nobody asks."""
        rows = connection.exec_driver_sql(f'DESCRIBE "{table_name}"')
        return [{"name": name, "type": sqlalchemy.types.NullType(), "nullable": True} for name, *_ in rows]


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


registry.register(_NAME, __name__, "Dialect")


def engine(connection: duckdb.DuckDBPyConnection) -> sqlalchemy.Engine:
    """Return SQLAlchemy's engine on a connection."""
    return sqlalchemy.create_engine(f"{_NAME}://", creator=lambda: _Connection(connection), poolclass=StaticPool)
