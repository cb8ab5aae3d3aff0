"""How a CSV file is written: delimiter and quote by DuckDB's sniffer, the encoding by its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ratchet.data.sql import quoted
from ratchet.errors import RequestError
from ratchet.layout import files as found
from ratchet.layout.files import Files

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Dialect:
    """What the source has to know to read a CSV file."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ()  # texts that stand for no value, beside none at all
    final_newline: bool = True  # whole files end with a line's end
    rename: Mapping[str, str] = field(default_factory=dict)  # columns whose names a contract cannot hold -> others

    @property
    def sql(self) -> str:
        """The arguments of DuckDB's read_csv, all columns as text: no value passes through another type."""
        given = {"delim": self.delimiter, "quote": self.quote, "escape": self.quote, "encoding": self.encoding}
        words = ", ".join(f"{name} = {quoted(value)}" for name, value in given.items())
        return f"{words}, header = true, all_varchar = true, union_by_name = true"


def sniff(connection: duckdb.DuckDBPyConnection, files: Files) -> Dialect:
    """Find the dialect of files. Raises RequestError where the sniffer finds no table in the first."""
    import duckdb

    encoding = found.encoding(files)
    first = quoted(str(files.paths[0]))
    try:
        row = connection.sql(
            f"SELECT Delimiter, Quote, HasHeader FROM sniff_csv({first}, encoding = {quoted(encoding)}, "
            "all_varchar = true, sample_size = 20480)"
        ).fetchall()[0]
    except duckdb.Error as error:
        raise RequestError(
            f"{files.paths[0]} is no CSV file that can be read: {str(error).splitlines()[0]}. Give one with a header, "
            "one delimiter and the same columns in each row"
        ) from error
    delimiter, quote, header = row
    if not header and not _named(connection, files, str(delimiter), encoding):
        raise RequestError(f"{files.paths[0]} has no header: its first line has to name the columns. Add one")
    ends = all(found.ends(path) for path in files.paths)
    return Dialect(str(delimiter), _sign(str(quote)), encoding, final_newline=ends)


def _sign(quote: str) -> str:
    return quote if quote not in ("", "(empty)", "\x00") else '"'


def _named(connection: duckdb.DuckDBPyConnection, files: Files, delimiter: str, encoding: str) -> bool:
    """Say whether the first line names columns: of text alone, it looks to the sniffer like any other row."""
    dialect = Dialect(delimiter, encoding=encoding)
    rows = connection.sql(f"SELECT * FROM read_csv({quoted(str(files.paths[0]))}, {dialect.sql})")
    return all(name and name.replace("_", "a").isalnum() and not name[0].isdigit() for name in rows.columns)
