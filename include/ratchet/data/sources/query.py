"""One SQL query a table, with the day's bounds as parameters: over files (DuckDB), or in a SQL database.

source:
      kind: query
      options:
        files: {trips: data/trips/*.csv}            # CSV, Parquet or JSON; local (relative to the loop's folder) or
        fsspec URL
        tables:
          trips: SELECT * FROM trips WHERE started_at >= $start AND started_at < $end

With `database` (an SQLAlchemy URL; `${NAME}` stands for an environment variable, so that no password is written down)
the queries run there, with `:start` and `:end` as parameters.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.errors import MissingPackage, SourceError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Options(BaseModel):
    """What the query source reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, str] = Field(default_factory=dict, description="View name -> path, glob or fsspec URL.")
    database: str | None = Field(default=None, description="SQLAlchemy URL; ${NAME} is an environment variable.")
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
    return _from_database(options, bounds) if options.database else _from_files(options, bounds, folder)


def _from_files(options: Options, bounds: dict[str, dt.datetime], folder: Path) -> dict[str, pa.Table]:
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    try:
        for name, path in options.files.items():
            _view(connection, name, path, folder)
        return {
            table: connection.sql(sql, params={k: v for k, v in bounds.items() if f"${k}" in sql}).to_arrow_table()
            for table, sql in options.tables.items()
        }
    except (duckdb.IOException, duckdb.HTTPException, FileNotFoundError) as error:
        raise SourceError(
            f"Cannot read the files of the query source: {error}. Check source.options.files in {folder}"
        ) from error
    except duckdb.Error as error:
        raise SourceError(
            f"The query source's SQL fails: {error}. Mend source.options in {folder / 'loop.yaml'}"
        ) from error
    finally:
        connection.close()


def _view(connection: duckdb.DuckDBPyConnection, name: str, path: str, folder: Path) -> None:
    import duckdb

    scheme = re.match(r"([a-z0-9+]+)://", path)
    if scheme:
        import fsspec

        try:
            connection.register_filesystem(fsspec.filesystem(scheme.group(1)))
        except (ImportError, ValueError) as error:
            raise MissingPackage(f"{path}: {error}. Install the package, and add it to requirements.txt") from error
        except duckdb.Error as error:
            if "already" not in str(error):
                raise
        location = path
    else:
        location = str(folder / path)
    suffix = Path(path).suffix.lower()
    reader = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}.get(
        suffix, "read_csv"
    )
    quoted = location.replace("'", "''")
    connection.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM {reader}('{quoted}')")


def _from_database(options: Options, bounds: dict[str, dt.datetime]) -> dict[str, pa.Table]:
    import pandas as pd
    import pyarrow as pa
    import sqlalchemy as sa

    url = re.sub(r"\$\{(\w+)\}", _environment, options.database or "")
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            delivered = {}
            for table, sql in options.tables.items():
                frame = pd.read_sql(
                    sa.text(sql), connection, params={k: v for k, v in bounds.items() if f":{k}" in sql}
                )
                delivered[table] = pa.Table.from_pandas(frame, preserve_index=False)
            return delivered
    except (ModuleNotFoundError, sa.exc.NoSuchModuleError) as error:
        raise MissingPackage(f"The database's driver is not installed: {error}. Add it to requirements.txt") from error
    except sa.exc.SQLAlchemyError as error:
        raise SourceError(f"Cannot read from the database: {error}. Check source.options of the loop") from error


def _environment(match: re.Match[str]) -> str:
    name = match.group(1)
    if name not in os.environ:
        raise SourceError(
            f"source.options.database names the environment variable {name}, which is not set. Set it and retry"
        )
    return os.environ[name]
