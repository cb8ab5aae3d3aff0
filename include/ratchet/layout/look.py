"""Look at a sample: files by DuckDB, or what a database has answered. Each column gets a type that holds its values."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.contract.table import ColumnType
from ratchet.data import sql
from ratchet.data.sql import name as quoted_name
from ratchet.data.sql import quoted
from ratchet.errors import RequestError
from ratchet.layout import dialect, names, texts
from ratchet.layout import files as sources
from ratchet.layout.dialect import Dialect
from ratchet.layout.files import Files
from ratchet.layout.sample import FEW, ROWS, Column, Sample

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TYPES: tuple[tuple[str, ColumnType], ...] = (
    ("BOOLEAN", "bool"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("DOUBLE", "float64"),
    ("FLOAT", "float64"),
    ("DECIMAL", "float64"),
    ("VARCHAR", "string"),
    ("UUID", "string"),
    ("ENUM", "string"),
    ("TIME", "string"),
)
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|BIGNUM$")
_MISSING: tuple[str, ...] = (
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "null",
    "None",
    "none",
    "nil",
    "-",
    "--",
    "?",
    ".",
    "\\N",
    "#DIV/0!",
)
_MISSING += ("k. A.", "k.A.", "k. a.", "n. a.", "missing", "fehlt", "unknown")
_DAY, _FILE = "_ratchet_day", "_ratchet_file"  # of the file that a row is in


def at_files(files: Files, date_format: str | None = None) -> tuple[Sample, Dialect, pa.Array | None]:
    """Look at files. Return what they show, how CSV is written, and the day that each row's file is named by, if any.

    Raises RequestError where they cannot be read, or day and month cannot be told apart.
    """
    with tempfile.TemporaryDirectory() as made:
        encoding = sources.encoding(files) if files.format == "csv" else "utf-8"
        if encoding != sources.CP1252:
            return _at_files(files, date_format)
        sample, written, days = _at_files(_in_utf8(files, Path(made)), date_format)  # DuckDB knows latin-1 alone
        return sample, replace(written, encoding=encoding), days


def _in_utf8(files: Files, folder: Path) -> Files:
    """Write files of cp1252 anew, each under its own name."""
    for path in files.paths:
        text = sources.content(path).decode(sources.CP1252, "replace")
        (folder / path.name.removesuffix(".gz")).write_text(text, encoding="utf-8", newline="")
    return replace(files, paths=tuple(folder / path.name.removesuffix(".gz") for path in files.paths))


def _at_files(files: Files, date_format: str | None) -> tuple[Sample, Dialect, pa.Array | None]:
    import duckdb

    told = ", ".join(quoted(str(path)) for path in files.paths)
    with sql.connect() as connection:
        written = dialect.sniff(connection, files) if files.format == "csv" else Dialect()
        options = f", {written.sql}" if files.format == "csv" else ", union_by_name = true"
        read = f"read_{files.format}([{told}]{options}, filename = {quoted(_FILE)})"
        try:
            days = ", ".join(f"({quoted(str(p))}, DATE '{d}')" for p, d in zip(files.paths, files.days, strict=False))
            if days:
                connection.execute(
                    f"CREATE VIEW given AS SELECT read.* EXCLUDE ({_FILE}), {_DAY} FROM {read} AS read "
                    f"JOIN (VALUES {days}) AS named({_FILE}, {_DAY}) USING ({_FILE})"
                )
            else:
                connection.execute(f"CREATE VIEW given AS SELECT * EXCLUDE ({_FILE}) FROM {read}")
            columns = [str(row[0]) for row in connection.sql("DESCRIBE given").fetchall()]
            others = names.plain([column for column in columns if column != _DAY])
            shown = [f"{quoted_name(each)} AS {quoted_name(others.get(each, each))}" for each in columns]
            connection.execute(f"CREATE VIEW raw AS SELECT {', '.join(shown)} FROM given")
            sample, named, nulls = _look(connection, files.format == "csv", date_format)
        except duckdb.Error as error:
            raise RequestError(
                f"The sample {files.paths[0]} cannot be read: {_said(error)}. Give CSV, Parquet or JSON"
            ) from error
    return sample, replace(written, nulls=nulls, rename=others), named


def at_table(table: pa.Table, date_format: str | None = None) -> Sample:
    """Look at rows that a database has answered. Raises RequestError as `at_files` does."""
    import duckdb

    with sql.connect() as connection:
        try:
            connection.register("raw", table)
            return _look(connection, False, date_format)[0]
        except duckdb.Error as error:
            raise RequestError(f"The rows cannot be read: {_said(error)}. CAST each column to one type") from error


def _look(
    connection: duckdb.DuckDBPyConnection, csv: bool, date_format: str | None
) -> tuple[Sample, pa.Array | None, tuple[str, ...]]:
    """Look at the rows of `raw`: what they show, each row's day, and the texts that stand for no value."""
    total = int(connection.sql("SELECT count(*) FROM raw").fetchall()[0][0])
    if not total:
        raise RequestError("The sample holds no row. Give one that shows what a delivery looks like")
    drawn = f" USING SAMPLE reservoir({ROWS} ROWS) REPEATABLE (0)" if total > ROWS else ""
    kinds = {row[0]: str(row[1]) for row in connection.sql("DESCRIBE raw").fetchall()}
    named = kinds.pop(_DAY, None) is not None
    kept = {name: kind for name, kind in kinds.items() if _left_out(kind) is None}
    if others := names.plain([*kept]):
        said = ", ".join(f"{quoted_name(name)} AS {other}" for name, other in others.items())
        odd = f"The column{'s' if len(others) > 1 else ''} {', '.join(map(repr, others))}"
        raise RequestError(
            f"{odd} cannot stand in a contract, whose names are letters, digits and _. "
            f"Name them otherwise: --query 'SELECT …, {said} FROM …'"
        )
    plain = [
        f"nullif({quoted_name(name)}, '') AS {quoted_name(name)}" if kind == "VARCHAR" else quoted_name(name)
        for name, kind in kept.items()
    ]
    day = [_DAY] if named else []
    connection.execute(f"CREATE TABLE sample AS SELECT {', '.join([*plain, *day])} FROM raw{drawn}")
    found = {name: _seen(connection, name, kind, csv, date_format, named) for name, kind in kept.items()}
    nulls = _nulls(connection, found, date_format, named) if csv else ()
    signs = [seen.sign for seen in found.values() if seen.sign]
    decimal = "," if signs.count(",") > signs.count(".") else "."
    for name, seen in found.items():
        if seen.sign not in ("", decimal):
            found[name] = texts.Seen("string", note=f"numbers with {seen.sign!r}, where others have {decimal!r}")
    typed = [f"{_typed(name, kept[name], seen)} AS {quoted_name(name)}" for name, seen in found.items()]
    connection.execute(f"CREATE TABLE seen AS SELECT {', '.join([*typed, *day])} FROM sample")
    columns = {name: _column(connection, name, kept[name], seen) for name, seen in found.items()}
    table = connection.sql(f"SELECT {', '.join(map(quoted_name, columns))} FROM seen").to_arrow_table()
    left = {name: why for name, kind in kinds.items() if (why := _left_out(kind)) is not None}
    days = connection.sql(f"SELECT {_DAY} FROM seen").to_arrow_table()[_DAY] if named else None
    return Sample(table, columns, total, decimal, left), days, nulls


def _nulls(
    connection: duckdb.DuckDBPyConnection, found: dict[str, texts.Seen], date_format: str | None, named: bool
) -> tuple[str, ...]:
    """Find the texts that stand for no value: without them, a column of text is one of numbers or dates."""
    nulls: dict[str, None] = {}
    for name in [name for name, seen in found.items() if seen.kind == "string"]:
        at = quoted_name(name)
        words = ", ".join(map(quoted, _MISSING))
        shown = f"CASE WHEN {at} NOT IN ({words}) THEN {at} END AS {at}{f', {_DAY}' if named else ''}"
        there = connection.sql(f"SELECT DISTINCT {at} FROM sample WHERE {at} IN ({words}) ORDER BY 1").fetchall()
        if not there:
            continue
        seen = texts.see(connection, name, True, date_format, _DAY if named else None, f"(SELECT {shown} FROM sample)")
        if seen.kind != "string":
            found[name] = seen
            nulls |= dict.fromkeys(str(row[0]) for row in there)
    for name in [name for name, seen in found.items() if nulls and seen.kind != "string"]:
        at = quoted_name(name)
        connection.execute(f"UPDATE sample SET {at} = NULL WHERE {at} IN ({', '.join(map(quoted, nulls))})")
    return tuple(nulls)


def _left_out(kind: str) -> str | None:
    """Say why the contract cannot hold a type, or nothing."""
    if kind in ("BLOB", "BIT", "GEOMETRY", "INTERVAL"):
        return f"holds {kind}s, which is no type of a contract"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")) or kind in ("JSON", "VARIANT"):
        return f"is nested ({kind if len(kind) < 60 else kind[:57] + '...'})"
    return None


def _seen(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, numbers: bool, date_format: str | None, named: bool
) -> texts.Seen:
    """Say what a column holds, by its type, or by its values where they are text."""
    at = quoted_name(name)
    if kind == "VARCHAR":
        return texts.see(connection, name, numbers, date_format, _DAY if named else None)
    if _WHOLE.match(kind):
        if connection.sql(
            f"SELECT count(*) FROM sample WHERE {at} NOT BETWEEN -(2::HUGEINT ** 63)::HUGEINT AND 9223372036854775807"
        ).fetchall()[0][0]:
            return texts.Seen("string", note=f"{kind} beyond 64 bits, which only text holds as they are")
        return texts.Seen("int64")
    wide = re.match(r"DECIMAL\((\d+)", kind)
    note = f"{kind}: of more than 15 digits a float keeps 15" if wide and int(wide.group(1)) > 15 else ""
    return texts.Seen(next((ours for theirs, ours in _TYPES if kind.startswith(theirs)), "string"), note=note)


def _typed(name: str, kind: str, seen: texts.Seen) -> str:
    """Return the expression that brings a column to its type; NaN is no number."""
    at = quoted_name(name)
    if seen.kind == "float64":
        number = f"CAST(replace({at}, ',', '.') AS DOUBLE)" if seen.sign == "," else f"CAST({at} AS DOUBLE)"
        return f"CASE WHEN isnan({number}) THEN NULL ELSE {number} END"
    if seen.date_format:
        return f"CAST(strptime({at}, {quoted(seen.date_format)}) AS {seen.kind.upper()})"
    if seen.kind == "timestamp":
        return f"CAST(CAST({at} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return f"CAST({at} AS {({'string': 'VARCHAR', 'int64': 'BIGINT', 'bool': 'BOOLEAN', 'date': 'DATE'})[seen.kind]})"


def _column(connection: duckdb.DuckDBPyConnection, name: str, kind: str, seen: texts.Seen) -> Column:
    at = quoted_name(name)
    rows, there, distinct = connection.sql(f"SELECT count(*), count({at}), count(DISTINCT {at}) FROM seen").fetchall()[
        0
    ]
    column = Column(name, seen.kind, rows, rows - there, distinct, date_format=seen.date_format, note=seen.note)
    if "TIMESTAMPTZ" in kind or "TIME ZONE" in kind:
        column = replace(column, zoned=True)
    elif seen.kind == "timestamp" and kind == "VARCHAR" and not seen.date_format:
        asked = f"SELECT bool_or(regexp_matches({at}, '(Z|UTC|[+-][0-9]{{2}}:?[0-9]{{0,2}})$') AND length({at}) > 16)"
        column = replace(column, zoned=bool(connection.sql(f"{asked} FROM sample").fetchall()[0][0]))
    if column.empty:
        said = "empty in the sample" + (
            ": its type is not known yet" if kind in ("VARCHAR", "INTEGER", '"NULL"') else ""
        )
        return replace(column, note=said)
    if seen.kind in ("int64", "float64"):
        low, high = connection.sql(
            f"SELECT min({at}), max({at}) FROM seen WHERE isfinite(CAST({at} AS DOUBLE))"
        ).fetchall()[0]
        nan = kind in ("DOUBLE", "FLOAT") or (kind == "VARCHAR" and seen.kind == "float64")
        text = f"SELECT count(*) FROM sample WHERE lower(CAST({at} AS VARCHAR)) = 'nan'"
        return replace(column, low=low, high=high, nan=nan and bool(connection.sql(text).fetchall()[0][0]))
    if seen.kind == "string" and distinct <= min(FEW, there / 5):
        levels = connection.sql(f"SELECT DISTINCT {at} FROM seen WHERE {at} IS NOT NULL ORDER BY 1").fetchall()
        return replace(column, levels=tuple(row[0] for row in levels))
    return column


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
