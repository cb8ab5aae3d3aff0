"""Read tables from a SQL database: one SELECT each, in a transaction that reads and is not committed.

By SQLAlchemy; DuckDB's own files by DuckDB (ratchet.data.attached). No value passes a type that could change it.
The URL is the contract's; what is secret of it comes by variables (ratchet.data.secrets), and no error tells it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ratchet.data import attached, columns, places, secrets, statements
from ratchet.errors import ContractError, MissingPackage, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

FIELD = "source.options.database"

_PART = 50_000  # rows that are Python's objects at a time
_ISO_DAYS = ("sqlite", "postgresql", "mysql", "mariadb")
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
# A result that is streamed is read through a cursor, and PostgreSQL declares one for a SELECT alone.
_OPTIONS: dict[str, dict[str, Any]] = {
    "postgresql": {"postgresql_readonly": True, "stream_results": True},
    "sqlite": {"sqlite_raw_colnames": True},  # a column named "a.b" is not named "b"
}


def read(
    database: str, tables: Mapping[str, str], bounds: Mapping[str, dt.datetime], folder: Path
) -> dict[str, pa.Table]:
    """Run each table's SELECT, with the bounds that it names as parameters: values as they are (ratchet.data.columns).

    database: the URL as the contract of the loop in `folder` has it. Raises ContractError, MissingPackage, SourceError.
    """
    import sqlalchemy as sa

    where = folder / "loop.yaml"
    url, hidden = _url(database, where)
    kind = url.get_backend_name()
    if kind == "duckdb":
        return attached.read(_file(url, "DuckDB", folder), tables, bounds, folder, FIELD)
    texts = {
        table: sa.text(statements.reading(text, kind, f"{where}: source.options.tables.{table}"))
        for table, text in tables.items()
    }
    opened = _sqlite(url, folder) if kind == "sqlite" else url
    try:
        engine = sa.create_engine(opened, poolclass=sa.NullPool)  # no connection stays open
        sa.event.listen(engine, "connect", partial(_prepare, kind))
        with engine.connect().execution_options(**_OPTIONS.get(kind, {})) as connection:
            return {table: _rows(connection, text, _bound(bounds, kind)) for table, text in texts.items()}
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
        raise MissingPackage(f"The database's driver is not installed: {error}. Add it to requirements.txt") from error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (SQLAlchemy's own, and what a driver raises besides)
        said = str(getattr(error, "orig", None) or error)  # without the values of the statement
        shown = url.set(query={}).render_as_string()
        # Without its cause: a traceback would tell what is masked here.
        raise SourceError(
            f"Cannot read from the database {secrets.masked(shown, hidden)}: {type(error).__name__}: "
            f"{one_line(secrets.masked(said, [*hidden, *_parts(url)]), 600)}. Check source.options of the loop"
        ) from None


def _rows(connection: sa.Connection, text: sa.TextClause, bounds: Mapping[str, str | dt.datetime]) -> pa.Table:
    named = {name: bounds[name] for name in text.compile().params if name in bounds}
    result = connection.execute(text, named)
    return columns.table(list(result.keys()), result.partitions(_PART))


def _bound(bounds: Mapping[str, dt.datetime], kind: str) -> Mapping[str, str | dt.datetime]:
    """Write bounds as ISO days where these compare right with a column of any type, text included.

    As text, '2016-07-02' sorts before '2016-07-02 00:00:00' and '2016-07-02T00:00', and after all of the day before; a
    column of dates or moments reads it as midnight. Elsewhere that is no sure thing (SQL Server reads it by its
    language), so there the driver is given the moment.
    """
    return {name: moment.date().isoformat() for name, moment in bounds.items()} if kind in _ISO_DAYS else bounds


def _prepare(kind: str, raw: Any, _record: Any) -> None:
    """Let a new connection read, and do nothing else, with moments in UTC."""
    if kind == "sqlite":  # its SQL could open any other file
        raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    elif kind == "postgresql":
        from ratchet.data import postgres

        postgres.prepare(raw)
    elif kind in ("mysql", "mariadb"):
        with contextlib.closing(raw.cursor()) as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET time_zone = '+00:00'")


def _sqlite(url: sa.URL, folder: Path) -> sa.URL:
    """Name the file that was looked at, from the root on and to be read: one that is not there is not made."""
    path = places.data(folder / _file(url, "SQLite", folder), FIELD, folder)
    return url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def _file(url: sa.URL, kind: str, folder: Path) -> str:
    """Return the path that a URL of a database in a file is, seen from the loop's folder."""
    name = url.database or ""
    if url.query or url.host or name in ("", ":memory:") or name.startswith("file:"):
        raise ContractError(
            f"{folder / 'loop.yaml'}: {FIELD}: {kind} is given a file's path and nothing else. "
            f"Name the file, seen from the loop's folder: {kind.lower()}:///data/shop.db"
        )
    return name


def _url(text: str, where: Path) -> tuple[sa.URL, list[str]]:
    """Build a database's URL, and list what its variables held. A variable is one part of it, whatever its characters.

    Raises ContractError, and SourceError where a variable is not set.
    """
    import sqlalchemy as sa

    given: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        given[key := f"RATCHET{len(given)}X"] = secrets.value(match.group(1), FIELD)
        return key

    def put(part: str) -> str:
        return re.sub(r"RATCHET\d+X", lambda found: given.get(found.group(), found.group()), part)

    marked = secrets.NAMED.sub(mark, text)
    try:
        url = sa.make_url(given.get(marked, marked))
        if marked not in given:  # where it is, all of the URL is one variable
            url = url.set(
                username=url.username and put(url.username),
                password=url.password and put(str(url.password)),
                host=url.host and put(url.host),
                database=url.database and put(url.database),
                query={
                    key: put(value) if isinstance(value, str) else tuple(map(put, value))
                    for key, value in url.query.items()
                },
            )
    except (sa.exc.ArgumentError, ValueError):
        raise ContractError(
            f"{where}: {FIELD} is not a database's URL. "
            "Give one as postgresql://user:${RATCHET_SOURCE_PASSWORD}@host/name"
        ) from None
    return url, list(given.values())


def _parts(url: sa.URL) -> list[str]:
    """List what may be secret of a URL that was a variable as a whole: the password, and what its query holds."""
    held = [value for values in url.normalized_query.values() for value in values]
    return [*held, str(url.password or "")]
