"""A sample of a SQL database, and the SELECT that brings a day's rows of it from then on."""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.data import databases
from ratchet.errors import RequestError
from ratchet.layout.defaults import word
from ratchet.layout.sample import ROWS, Sample

if TYPE_CHECKING:
    import pyarrow as pa

_ALWAYS = {"start": dt.datetime(1900, 1, 1), "end": dt.datetime(2200, 1, 1)}  # noqa: DTZ001 (UTC, as all bounds)


@dataclass(frozen=True)
class Query:
    """A query of a database. url: as the contract has it, seen from the loop's folder."""

    url: str
    text: str
    relative: bool = True

    @property
    def dialect(self) -> str:
        """The kind of database, as sqlite, duckdb or postgresql."""
        return re.split(r"[+:]", self.url, maxsplit=1)[0]

    @property
    def bounded(self) -> bool:
        """Say whether the query names the bounds of the days itself."""
        return bool(re.search(r"[:$](start|end)\b", self.text))


def query(database: str, text: str | None, table: str | None, folder: Path, home: Path) -> Query:
    """Return the query that was asked for. database: a URL, or the path of a file of SQLite or DuckDB.

    folder: the loop's. Raises RequestError.
    """
    if bool(text) == bool(table):
        raise RequestError("Say what of the database: --table NAME, or --query 'SELECT …'; one of the two")
    url, relative = (database, True) if "://" in database else _file(Path(database), folder, home)
    if table:
        text = f"SELECT * FROM {'.'.join(_name(url, part) for part in table.split('.'))}"
    return Query(url, str(text).strip().rstrip(";"), relative)


def rows(asked: Query, folder: Path) -> pa.Table:
    """Read at most a hundred thousand rows. Raises ContractError, MissingPackage, SourceError."""
    given = _ALWAYS if asked.bounded else {}
    head = f"TOP {ROWS} " if asked.dialect == "mssql" else ""
    tail = "" if head else f" LIMIT {ROWS}"
    text = f"SELECT {head}* FROM ({asked.text}) AS q{tail}"
    return databases.read(asked.url, {"sample": text}, given, folder)["sample"]


def select(asked: Query, sample: Sample, time: str) -> str:
    """Return the SELECT of the contract: that of the query, from the start of the days to their end."""
    if asked.bounded:
        return asked.text
    column = sample.columns[time]
    if column.date_format:
        raise RequestError(
            f"{time} is text in the database, written as {column.date_format}, and is not in the order of time. Give "
            "a --query that makes dates of it, or that names the bounds :start and :end itself"
        )
    sign = "$" if asked.dialect == "duckdb" else ":"
    at = f"q.{_name(asked.url, time)}"
    return f"SELECT * FROM ({asked.text}) AS q WHERE {at} >= {sign}start AND {at} < {sign}end"


def source(asked: Query, name: str, text: str) -> tuple[str, ...]:
    """Return what stands under `source` in the contract."""
    folded = " ".join(text.split()) if not re.search(r"--|'[^']*\s\s[^']*'", text) else None
    lines = [f"      {folded}"] if folded else [f"      {line}" for line in text.splitlines()]
    told = [] if asked.relative else ["  # an absolute path: another machine has to have the file there too"]
    return (
        "kind: query",
        "options:",
        *told,
        f"  database: {word(asked.url)}",
        "  tables:                        # the bounds are midnight to midnight, UTC",
        f"    {word(name)}: {'>-' if folded else '|-'}",
        *lines,
    )


def _file(path: Path, folder: Path, home: Path) -> tuple[str, bool]:
    """Return the URL of a database's file, as seen from the loop's folder where both are in the project."""
    if not path.is_file():
        raise RequestError(
            f"There is no file {path}. Name a database by its URL, as postgresql://user:${{RATCHET_SOURCE_PASSWORD}}"
            "@host/name, or a file of SQLite or DuckDB"
        )
    with path.open("rb") as file:
        start = file.read(16)
    kind = "sqlite" if start.startswith(b"SQLite format 3") else "duckdb" if start[8:12] == b"DUCK" else ""
    if not kind:
        raise RequestError(f"{path} is no database of SQLite or DuckDB. Files of rows are given by --sample")
    whole = path.absolute()
    if whole.is_relative_to(home) and folder.absolute().is_relative_to(home):
        return f"{kind}:///{os.path.relpath(whole, folder.absolute())}", True
    return f"{kind}:///{whole}", False


def _name(url: str, name: str) -> str:
    """Write a name as the database's SQL does."""
    kind = re.split(r"[+:]", url, maxsplit=1)[0]
    sign = "`" if kind in ("mysql", "mariadb") else '"'
    if kind == "mssql":
        return f"[{name.replace(']', ']]')}]"
    return sign + name.replace(sign, 2 * sign) + sign
