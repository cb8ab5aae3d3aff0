"""One SQL query a table, with the day's bounds as parameters: over files (DuckDB), or in a SQL database.

source:
      kind: query
      options:
        files: {trips: data/trips/*.csv}            # CSV, Parquet or JSON; local (relative to the loop's folder) or
        fsspec URL
        tables:
          trips: SELECT * FROM trips WHERE started_at >= $start AND started_at < $end

With `database` (an SQLAlchemy URL; `${RATCHET_SOURCE_X}` stands for all of it or a part, so that no password is written
down: see ratchet.data.secrets) the queries run there, with `:start` and `:end` as parameters.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import glob
import re
import sqlite3
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.data import secrets, sql
from ratchet.errors import ContractError, MissingPackage, SourceError
from ratchet.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import sqlalchemy as sa

_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))


class Options(BaseModel):
    """What the query source reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, str] = Field(default_factory=dict, description="View name -> path, glob or fsspec URL.")
    database: str | None = Field(
        default=None, description="SQLAlchemy URL; ${RATCHET_SOURCE_X} is a variable or connection."
    )
    tables: dict[str, str] = Field(min_length=1, description="Table -> its SELECT, with the bounds start and end.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Options:
        if bool(self.files) == bool(self.database):
            raise ValueError("give either files or a database")
        return self


def fetch(options: Options, day: dt.date, folder: Path) -> dict[str, pa.Table]:
    """Run each table's query for the day from midnight to midnight, UTC."""
    start = dt.datetime.combine(day, dt.time())
    bounds = {"start": start, "end": start + dt.timedelta(days=1)}
    return _from_database(options, bounds, folder) if options.database else _from_files(options, bounds, folder)


def _from_files(options: Options, bounds: dict[str, dt.datetime], folder: Path) -> dict[str, pa.Table]:
    import duckdb

    connection = sql.connect()
    try:
        listed = {name: _listed(connection, path, folder) for name, path in options.files.items()}
        for name, paths in listed.items():
            reader = _READERS.get(PurePath(paths[0]).suffix.lower(), "read_csv")
            read = ", ".join(map(sql.quoted, paths))
            connection.execute(f"CREATE VIEW {sql.name(name)} AS SELECT * FROM {reader}([{read}])")
        sql.lock(connection, [path for paths in listed.values() for path in paths])
        where = f"{folder / 'loop.yaml'}: source.options.tables"
        return {
            table: connection.sql(
                sql.select(text, f"{where}.{table}"), params={k: v for k, v in bounds.items() if f"${k}" in text}
            ).to_arrow_table()
            for table, text in options.tables.items()
        }
    except (duckdb.IOException, duckdb.HTTPException) as error:
        raise SourceError(
            f"Cannot read the files of the query source: {error}. Check source.options.files in {folder}"
        ) from error
    except duckdb.Error as error:
        raise ContractError(
            f"The query source's SQL fails: {error}. Mend source.options in {folder / 'loop.yaml'}"
        ) from error
    finally:
        connection.close()


def _listed(connection: duckdb.DuckDBPyConnection, path: str, folder: Path) -> list[str]:
    """List the files of a glob, before any SQL of the contract runs. Raises SourceError where there is none."""
    scheme = re.match(r"([a-z0-9+]+)://", path)
    if scheme:
        files = _filesystem(connection, scheme.group(1), path)
        try:
            found = sorted(files.unstrip_protocol(each) for each in files.glob(path))
        except OSError as error:
            raise SourceError(f"{path} cannot be listed: {error}. Check source.options.files in {folder}") from error
    else:
        found = sorted(glob.glob(str(folder / path), recursive=True))  # noqa: PTH207 (it may be absolute)
    if not found:
        raise SourceError(f"There is no file {path} (in {folder}). Check source.options.files, or wait for it")
    for each in found:
        _refuse_state(each.removeprefix("file://"), "source.options.files", folder)
    return found


def _filesystem(connection: duckdb.DuckDBPyConnection, scheme: str, path: str) -> Any:
    import duckdb
    import fsspec

    try:
        files = fsspec.filesystem(scheme)
        connection.register_filesystem(files)
    except (ImportError, ValueError) as error:
        raise MissingPackage(f"{path}: {error}. Install the package, and add it to requirements.txt") from error
    except duckdb.Error as error:
        if "already" not in str(error):
            raise
    return files


def _refuse_state(path: str, field: str, folder: Path) -> None:
    """Raise ContractError where a source reads what is no data: this installation's state, or the system's."""
    found = Path(path).resolve()
    if any(found.is_relative_to(place) for place in (Settings.current().var.resolve(), *_SYSTEM)):
        raise ContractError(f"{folder / 'loop.yaml'}: {field} names {found}, which is no data. Name the files you mean")


def _from_database(options: Options, bounds: dict[str, dt.datetime], folder: Path) -> dict[str, pa.Table]:
    import pandas as pd
    import pyarrow as pa
    import sqlalchemy as sa

    url = _url(options.database or "", folder)
    try:
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", partial(_read_only, url.get_backend_name()))
        options_of = {"postgresql_readonly": True} if url.get_backend_name() == "postgresql" else {}
        with engine.connect().execution_options(**options_of) as connection:
            delivered = {}
            for table, text in options.tables.items():
                frame = pd.read_sql(
                    sa.text(text), connection, params={k: v for k, v in bounds.items() if f":{k}" in text}
                )
                delivered[table] = pa.Table.from_pandas(frame, preserve_index=False)
            return delivered
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
        raise MissingPackage(f"The database's driver is not installed: {error}. Add it to requirements.txt") from error
    except sa.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error)  # without the values of the statement
        if url.password:
            said = said.replace(url.password, "***")
        raise SourceError(
            f"Cannot read from the database {url.render_as_string()}: {said}. Check source.options of the loop"
        ) from error


def _read_only(kind: str, raw: Any, _record: Any) -> None:
    """Let a new connection read, and do nothing else."""
    if kind == "sqlite":  # its SQL could open any other file
        raw.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    elif kind in ("mysql", "mariadb"):
        with contextlib.closing(raw.cursor()) as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")


def _url(text: str, folder: Path) -> sa.URL:
    """Build a database's URL: a variable is one part of it, whatever its characters. Raises SourceError."""
    import sqlalchemy as sa

    given: dict[str, str] = {}

    def mark(match: re.Match[str]) -> str:
        given[key := f"RATCHET{len(given)}X"] = secrets.value(match.group(1), "source.options.database")
        return key

    def put(part: str | None) -> str | None:
        return part and re.sub(r"RATCHET\d+X", lambda found: given[found.group()], part)

    marked = secrets.NAMED.sub(mark, text)
    try:
        if marked in given:  # all of it is one variable
            url = sa.make_url(given[marked])
        else:
            url = sa.make_url(marked)
            url = url.set(
                username=put(url.username), password=put(url.password), host=put(url.host), database=put(url.database)
            )
    except (sa.exc.ArgumentError, ValueError):
        raise ContractError(
            f"{folder / 'loop.yaml'}: source.options.database is not a database's URL. "
            "Give one as postgresql://user:${RATCHET_SOURCE_PASSWORD}@host/name"
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        _refuse_state(str(folder / url.database), "source.options.database", folder)
    return url
