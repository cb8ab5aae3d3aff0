"""Read tables from a SQL database, by SQLAlchemy: one SELECT each, in a transaction that reads and is not committed.

The URL is the contract's; what is secret of it comes by variables (ratchet.data.secrets), and no error tells it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from ratchet.data import places, secrets, statements
from ratchet.errors import ContractError, MissingPackage, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import sqlalchemy as sa

FIELD = "source.options.database"

_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
# A result that is streamed is read through a cursor, and PostgreSQL declares one for a SELECT alone.
_OPTIONS: dict[str, dict[str, Any]] = {"postgresql": {"postgresql_readonly": True, "stream_results": True}}


def read(
    database: str, tables: Mapping[str, str], bounds: Mapping[str, dt.datetime], folder: Path
) -> dict[str, pa.Table]:
    """Run each table's SELECT, with the bounds that it names as parameters.

    database: the URL as the contract of the loop in `folder` has it. Raises ContractError, MissingPackage, SourceError.
    """
    import pandas as pd
    import sqlalchemy as sa

    where = folder / "loop.yaml"
    url, hidden = _url(database, where)
    kind = url.get_backend_name()
    texts = {
        table: sa.text(statements.reading(text, kind, f"{where}: source.options.tables.{table}"))
        for table, text in tables.items()
    }
    opened = _sqlite(url, folder) if kind == "sqlite" else url
    frames = {}
    try:
        engine = sa.create_engine(opened)
        sa.event.listen(engine, "connect", partial(_read_only, kind))
        with engine.connect().execution_options(**_OPTIONS.get(kind, {})) as connection:
            for table, text in texts.items():
                named = {name: bounds[name] for name in text.compile().params if name in bounds}
                frames[table] = pd.read_sql(text, connection, params=named)
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
        raise MissingPackage(f"The database's driver is not installed: {error}. Add it to requirements.txt") from error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (SQLAlchemy's own, and what a driver raises besides)
        said = str(getattr(error, "orig", None) or error)  # without the values of the statement
        shown = url.set(query={}).render_as_string()
        # Without its cause: a traceback would tell what is masked here.
        raise SourceError(
            f"Cannot read from the database {_masked(shown, hidden)}: {type(error).__name__}: "
            f"{one_line(_masked(said, [*hidden, *_parts(url)]), 600)}. Check source.options of the loop"
        ) from None
    return {table: _arrow(frame, f"{where}: source.options.tables.{table}") for table, frame in frames.items()}


def _arrow(frame: pd.DataFrame, where: str) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise ContractError(
            f"{where}: its rows are no table: {one_line(str(error), 300)}. "
            "Name each column once, and CAST it to one type"
        ) from error


def _read_only(kind: str, raw: Any, _record: Any) -> None:
    """Let a new connection read, and do nothing else."""
    if kind == "sqlite":  # its SQL could open any other file
        raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    elif kind in ("mysql", "mariadb"):
        with contextlib.closing(raw.cursor()) as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")


def _sqlite(url: sa.URL, folder: Path) -> sa.URL:
    """Name the file that was looked at, from the root on and to be read: one that is not there is not made."""
    name = url.database or ""
    if url.query or name in ("", ":memory:") or name.startswith("file:"):
        raise ContractError(
            f"{folder / 'loop.yaml'}: {FIELD}: SQLite is given a file's path and nothing else. "
            "Name the file, seen from the loop's folder: sqlite:///data/shop.db"
        )
    path = places.data(folder / name, FIELD, folder)
    return url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


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
    if url.get_backend_name() == "duckdb":
        raise ContractError(
            f"{where}: {FIELD} is DuckDB's, whose SQL could read every other file. "
            "Export its tables as Parquet and name those in source.options.files"
        )
    return url, list(given.values())


def _parts(url: sa.URL) -> list[str]:
    """List what may be secret of a URL that was a variable as a whole: the password, and what its query holds."""
    held = [value for values in url.normalized_query.values() for value in values]
    return [*held, str(url.password or "")]


def _masked(text: str, hidden: Collection[str]) -> str:
    """Put *** for each hidden value, as it is and as a URL writes it."""
    forms = {form for value in hidden for form in (value, quote(value, safe=""), quote_plus(value)) if form}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text
