"""Files as they are: CSV, JSON or Parquet, one by one, by globs, in folders or by URL, packed by gzip or not.

source:
      kind: files
      options:
        tables:
          trips: data/trips_{partition}.csv                 # a file a day: a night reads that one alone
          shops: {path: data/shops, delimiter: ";", encoding: cp1252}

Text is delivered as text; how numbers and dates are written in it says the table of the contract (`decimal`,
`date_format`). Of files that hold several days only those with rows of the days that are asked for can spoil them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from ratchet.contract.table import Table
from ratchet.data import conversion, formats, listing, parting, sql, tables
from ratchet.data.formats import File, Opened
from ratchet.data.sources import Asked
from ratchet.errors import DataError, SourceError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FIELD = "source.options.tables"
_ROWS = 100_000  # of a piece
_MOMENT = "_ratchet_moment"
_TOLD = 5  # files that a message names one by one


class Options(BaseModel):
    """Which files hold which table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: dict[str, File] = Field(min_length=1, description="Table -> its file or files.")


def fetch(options: Options, asked: Asked) -> dict[str, Iterator[pa.Table]]:
    """Deliver the rows of the days. Raises SourceError where a file is missing, DataError where one is damaged."""
    return {
        name: _table(file, asked, name, spec)
        for name, spec in asked.tables.items()
        if (file := options.tables.get(name)) is not None
    }


@dataclass
class _Seen:
    """What reading the files of a table has come to."""

    days: set[dt.date] = field(default_factory=set)  # of which there are rows
    broken: list[tuple[DataError, bool]] = field(default_factory=list)  # files, and whether they hold rows of the days


def _table(file: File, asked: Asked, name: str, spec: Table) -> Iterator[pa.Table]:
    """Deliver one table, a piece of a file at a time."""
    seen, found, missing = _Seen(), [], []
    with sql.connect() as connection:
        for path, day in listing.paths(file.path, asked.days):
            listed = listing.files(connection, path, f"{FIELD}.{name}", asked.folder)
            found += [(each, day) for each in listed]
            if not listed and not ({day} if day else {*asked.days}) <= asked.resting:
                missing.append(path)
        if missing:
            told = ", ".join(missing[:_TOLD]) + (f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else "")
            raise SourceError(
                f"There is no file {told} (in {asked.folder}). Wait for it, or check {FIELD}.{name}; where no rows are "
                "expected on a day, say so in schedule: calendar or holidays"
            )
        for path, day in found:
            try:
                with formats.opened(connection, path, file) as opened, formats.reading(path):
                    shown = _shown(opened, file, spec)
                    if day:
                        yield from _whole(connection, opened, shown, day)
                    else:
                        yield from _of_days(connection, opened, shown, spec, asked, seen)
            except DataError as error:
                seen.broken.append((error, day is not None or _holds_any(connection, path, file, spec, asked)))
    _judge(seen, asked, any(day for _, day in found))


def _whole(connection: duckdb.DuckDBPyConnection, opened: Opened, shown: str, day: dt.date) -> Iterator[pa.Table]:
    """Deliver all rows of a day's own file."""
    if opened.cut:
        raise DataError(f"{opened.path} {opened.cut}")
    for piece in connection.sql(f"SELECT {shown} FROM {opened.read}").to_arrow_reader(_ROWS):
        yield parting.of_day(_named(piece, opened.columns), day)


def _of_days(
    connection: duckdb.DuckDBPyConnection, opened: Opened, shown: str, spec: Table, asked: Asked, seen: _Seen
) -> Iterator[pa.Table]:
    """Deliver the rows of some days, and those without a time that can be read, of a file with rows of the days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not opened.columns:  # nothing at all is in it
        return
    if spec.time not in opened.columns:
        raise DataError(f"{opened.path} has no column {spec.time}, which says what day a row is of")
    moment, held = _moment(opened, spec), list[pa.Table]()
    rows = f"SELECT {shown}, {moment} AS {_MOMENT} FROM {opened.read}"
    query = f"SELECT * FROM ({rows}) WHERE {_within(asked)} OR {_MOMENT} IS NULL"
    any_row = False
    for batch in connection.sql(query).to_arrow_reader(_ROWS):
        table = pa.table(batch)
        days = pc.unique(tables.days(table.column(_MOMENT))).drop_null().to_pylist()
        seen.days.update(days)
        any_row = any_row or bool(days)
        held.append(_named(table.drop_columns([_MOMENT]), opened.columns))
        if any_row:
            if opened.cut:
                raise DataError(f"{opened.path} {opened.cut}")
            yield from held
            held.clear()
    if opened.cut and not any_row:
        raise DataError(f"{opened.path} {opened.cut}")


def _shown(opened: Opened, file: File, spec: Table) -> str:
    """Return the columns of a file, without the words that stand for no value where they do."""
    shown = []
    for name in opened.columns:
        at = opened.sql(name)
        text = opened.kinds[name] == "VARCHAR"
        shown.append(f"{formats.without(file.nulls, at, spec.columns.get(name)) if text else at} AS {at}")
    return ", ".join(shown) or "*"


def _holds_any(connection: duckdb.DuckDBPyConnection, path: str, file: File, spec: Table, asked: Asked) -> bool:
    """Say whether what can be read of a broken file holds a row of the days."""
    try:
        with formats.opened(connection, path, file) as opened, formats.reading(path):
            found = connection.sql(
                f"SELECT 1 FROM (SELECT {_moment(opened, spec)} AS {_MOMENT} FROM {opened.lenient}) "
                f"WHERE {_within(asked)} LIMIT 1"
            ).fetchall()
            return bool(found)
    except (DataError, ValueError):
        return False


def _judge(seen: _Seen, asked: Asked, by_day: bool) -> None:
    """Refuse the days that a broken file spoils: it holds rows of theirs, or nothing else does."""
    uncovered = not by_day and not {*asked.days} <= seen.days | asked.resting
    for error, holds_rows in seen.broken:
        if holds_rows or uncovered:
            raise error
        asked.notes.append(f"not read, and without a row of these days: {error}")


def _moment(opened: Opened, spec: Table) -> str:
    """Return the expression of a row's time, UTC; null where it cannot be read."""
    column, kind = opened.sql(spec.time), opened.kinds[spec.time]
    if kind == "VARCHAR":
        return conversion.sql_text(column, "timestamp", spec, spec.time)
    if kind.startswith("TIMESTAMPTZ") or kind == "TIMESTAMP WITH TIME ZONE":
        column = f"CAST({column} AS TIMESTAMPTZ)"  # DuckDB takes nanoseconds with a zone this way alone
    return f"CAST({column} AS TIMESTAMP)" if kind.startswith(("TIMESTAMP", "DATE")) else "CAST(NULL AS TIMESTAMP)"


def _within(asked: Asked) -> str:
    return f"({_MOMENT} >= TIMESTAMP '{asked.start}' AND {_MOMENT} < TIMESTAMP '{asked.end}')"


def _named(piece: pa.RecordBatch | pa.Table, names: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    return pa.table(piece).rename_columns(list(names)) if names else pa.table({})
