"""One SQL query a table, with the day's bounds as parameters: over files (DuckDB), or in a SQL database.

source:
      kind: query
      options:
        files: {trips: data/trips/*.csv}    # CSV, Parquet or JSON; a path (seen from the loop's folder), or a URL
        tables:
          trips: SELECT * FROM trips WHERE started_at >= $start AND started_at < $end

With `database` (an SQLAlchemy URL; `${RATCHET_SOURCE_X}` stands for all of it or a part, so that no password is written
down: see ratchet.data.secrets) the queries run there, with `:start` and `:end` as parameters (ratchet.data.databases).
"""

from __future__ import annotations

import datetime as dt
import glob
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.data import databases, places, sql
from ratchet.data.sources import Asked
from ratchet.errors import ContractError, MissingPackage, RatchetError, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}
# fsspec knows more, among them other views of this machine's files: an archive in one, a repository, a cache.
_SCHEMES = ("abfs", "az", "file", "gcs", "gs", "hf", "http", "https", "s3", "sftp")


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


def fetch(options: Options, asked: Asked) -> dict[str, pa.Table]:
    """Run each table's query for the days from midnight to midnight, UTC."""
    bounds = {"start": asked.start, "end": asked.end}
    if options.database:
        return databases.read(options.database, options.tables, bounds, asked.folder)
    return _from_files(options, bounds, asked.folder)


def _from_files(options: Options, bounds: dict[str, dt.datetime], folder: Path) -> dict[str, pa.Table]:
    import duckdb

    where = folder / "loop.yaml"
    texts = {
        table: sql.select(text, f"{where}: source.options.tables.{table}") for table, text in options.tables.items()
    }
    connection = sql.connect()
    try:
        listed = {name: _listed(connection, path, folder) for name, path in options.files.items()}
        for name, paths in listed.items():
            reader = _READERS.get(PurePath(paths[0]).suffix.lower(), "read_csv")
            read = ", ".join(map(sql.quoted, paths))
            connection.execute(f"CREATE VIEW {sql.name(name)} AS SELECT * FROM {reader}([{read}])")
        sql.lock(connection, [path for paths in listed.values() for path in paths])
        return {
            table: connection.sql(text, params={k: v for k, v in bounds.items() if f"${k}" in text}).to_arrow_table()
            for table, text in texts.items()
        }
    except (duckdb.IOException, duckdb.HTTPException) as error:
        raise SourceError(
            f"Cannot read the files of the query source: {error}. Check source.options.files in {folder}"
        ) from error
    except duckdb.Error as error:
        raise ContractError(f"The query source's SQL fails: {error}. Mend source.options in {where}") from error
    except (RatchetError, MemoryError):
        raise
    except Exception as error:  # whatever a file system's own package raises while a file is read
        raise SourceError(
            f"Cannot read the files of the query source: {_said(error)}. Check source.options.files in {folder}"
        ) from error
    finally:
        connection.close()


def _listed(connection: duckdb.DuckDBPyConnection, path: str, folder: Path) -> list[str]:
    """List the files of a glob, before any SQL of the contract runs. Raises SourceError where there is none."""
    found = re.match(r"([\w.+-]+)://", path)
    scheme = found.group(1) if found else None
    if scheme and scheme not in _SCHEMES:
        raise ContractError(
            f"{folder / 'loop.yaml'}: source.options.files names {path}, and {scheme}:// is not read. "
            f"Give a path, or a URL of {', '.join(_SCHEMES)}"
        )
    try:
        if scheme:
            files = _filesystem(connection, scheme)
            listed = sorted(files.unstrip_protocol(each) for each in files.glob(path))
        else:
            every = glob.glob(str(folder / path), recursive=True)  # noqa: PTH207 (it may be absolute)
            listed = sorted(each for each in every if not Path(each).is_dir())  # DuckDB would read all that is in one
    except ImportError as error:
        raise MissingPackage(f"{path}: {error}. Install the package, and add it to requirements.txt") from error
    except Exception as error:  # whatever a file system's own package raises
        raise SourceError(f"{path} cannot be listed: {_said(error)}. Check source.options.files in {folder}") from error
    if not listed:
        raise SourceError(f"There is no file {path} (in {folder}). Check source.options.files, or wait for it")
    if scheme in (None, "file"):
        for each in listed:
            places.data(each.removeprefix("file://"), "source.options.files", folder)
    return listed


def _filesystem(connection: duckdb.DuckDBPyConnection, scheme: str) -> Any:
    import duckdb
    import fsspec

    files = fsspec.filesystem(scheme)
    try:
        connection.register_filesystem(files)
    except duckdb.Error as error:
        if "already" not in str(error):
            raise
    return files


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error), 400)}"
