"""One SQL query a table, with the bounds of the days as parameters: over files (DuckDB), or in a SQL database.

source:
      kind: query
      options:
        files: {trips: data/trips/*.csv}    # CSV, Parquet or JSON; a path (seen from the loop's folder), or a URL
        tables:
          trips: SELECT * FROM trips WHERE started_at >= $start AND started_at < $end

A file is named, and may be described, as in the source `files`. Its columns that the contract names have the contract's
types, and others that come as text are text.

With `database` (an SQLAlchemy URL; `${RATCHET_SOURCE_X}` stands for all of it or a part, so that no password is written
down: see ratchet.data.secrets) the queries run there, with `:start` and `:end` as parameters (ratchet.data.databases);
in a DuckDB database, `duckdb:///data/shop.duckdb`, with `$start` and `$end`. docs/sources.md has an example of each.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.contract.table import Table
from ratchet.data import conversion, databases, formats, listing, sql
from ratchet.data.formats import File, Opened
from ratchet.data.sources import Asked
from ratchet.errors import ContractError, DataError, RatchetError, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FIELD = "source.options.files"


class Options(BaseModel):
    """What the query source reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, File] = Field(default_factory=dict, description="View name -> its file or files.")
    database: str | None = Field(
        default=None, description="SQLAlchemy URL, or duckdb:///FILE; ${RATCHET_SOURCE_X} is a variable or connection."
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
    return _from_files(options, bounds, asked)


def _from_files(options: Options, bounds: dict[str, dt.datetime], asked: Asked) -> dict[str, pa.Table]:
    import duckdb

    folder, where = asked.folder, asked.folder / "loop.yaml"
    texts = {
        table: sql.select(text, f"{where}: source.options.tables.{table}") for table, text in options.tables.items()
    }
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(sql.connect())
            read = [
                path for name, file in options.files.items() for path in _view(stack, connection, name, file, asked)
            ]
            sql.lock(connection, read)
            return {
                table: connection.sql(
                    text, params={k: v for k, v in bounds.items() if f"${k}" in text}
                ).to_arrow_table()
                for table, text in texts.items()
            }
    except duckdb.InvalidInputException as error:
        raise DataError(
            f"A file of the query source is not what the contract says: {one_line(str(error), 400)}. Deliver it whole"
        ) from error
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


def _view(
    stack: contextlib.ExitStack, connection: duckdb.DuckDBPyConnection, name: str, file: File, asked: Asked
) -> list[str]:
    """Make a view of all files of a name, each read by its own schema; return what is to be read."""
    paths = []
    for path, _ in listing.paths(file.path, asked.days):
        listed = listing.files(connection, path, FIELD, asked.folder)
        if not listed:
            raise SourceError(f"There is no file {path} (in {asked.folder}). Check {FIELD}, or wait for it")
        paths += listed
    opened = [stack.enter_context(formats.opened(connection, path, file)) for path in paths]
    if cut := [each for each in opened if each.cut]:
        raise DataError(f"{cut[0].path} {cut[0].cut}")
    kinds: dict[str, set[str]] = {}
    for each in opened:
        for column, kind in each.kinds.items():
            kinds.setdefault(column, set()).add(kind)
    declared = {column: spec for spec in [*asked.tables.values()][::-1] for column in spec.columns}
    selects = []
    for each in opened:
        typed = {
            column: _typed(file, each.sql(column), column, kinds[column], declared.get(column))
            for column in each.columns
        }
        _refuse_misfits(connection, each, typed, asked)
        chosen = [f"{part.read} AS {sql.name(column)}" for column, part in typed.items()]
        selects.append(f"SELECT {', '.join(chosen)} FROM {each.read}" if chosen else "SELECT NULL WHERE false")
    connection.execute(f"CREATE VIEW {sql.name(name)} AS {' UNION ALL BY NAME '.join(selects)}")
    return [each.at for each in opened]


@dataclass(frozen=True)
class _Typed:
    """The expression of a column, and where it was converted, the one that finds what does not fit its type."""

    read: str
    kind: str = ""
    misfit: str = ""


def _typed(file: File, text: str, column: str, kinds: set[str], spec: Table | None) -> _Typed:
    """Return the expression of a column: in the contract's type, where it comes as text and the contract names it."""
    if len(kinds) > 1:
        text = f"CAST({text} AS VARCHAR)"
    elif kinds != {"VARCHAR"}:
        return _Typed(text)
    if spec is None or spec.columns[column] == "string":
        return _Typed(text)
    kind = spec.columns[column]
    text = formats.without(file.nulls, text, kind)
    read = conversion.sql_text(text, kind, spec, column)
    there = f"coalesce(trim({text}), '') <> ''"
    return _Typed(f"CASE WHEN {there} THEN {read} END", kind, f"({there} AND ({read}) IS NULL)")


def _refuse_misfits(
    connection: duckdb.DuckDBPyConnection, file: Opened, typed: dict[str, _Typed], asked: Asked
) -> None:
    """Raise DataError where rows of the asked days hold what is not of its type; note it of other days.

    A row is of a day by the time of a table of the contract, where the file has that column; else it is of each.
    """
    misfits = {column: part for column, part in typed.items() if part.misfit}
    if not misfits:
        return
    at = next((typed[table.time].read for table in asked.tables.values() if table.time in typed), "NULL")
    of_days = f"({at} IS NULL OR ({at} >= {sql.quoted(str(asked.start))} AND {at} < {sql.quoted(str(asked.end))}))"
    counts = ", ".join(
        f"count(*) FILTER (WHERE {part.misfit} AND {of_days}), count(*) FILTER (WHERE {part.misfit})"
        for part in misfits.values()
    )
    with formats.reading(file.path):
        found = connection.execute(f"SELECT {counts} FROM {file.read}").fetchall()[0]
    for (column, part), ours, every in zip(misfits.items(), found[::2], found[1::2], strict=True):
        if ours:
            raise DataError(
                f"{file.path}: {ours:,} rows of the days that are asked for hold in {column!r} a text that is no "
                f"{part.kind}. Deliver it whole, or read it with the source files, which parts what does not fit"
            )
        if every:
            asked.notes.append(f"{file.path}: {every:,} rows of other days hold in {column!r} what is no {part.kind}")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(str(error), 400)}"
