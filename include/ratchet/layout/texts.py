"""Say of a column of text what it holds: numbers, dates and how they are written, or text. Nothing is guessed.

A type is taken where every value fits it and comes back as it was written: an id with a zero in front stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.contract.table import ColumnType
from ratchet.data.sql import name as quoted_name
from ratchet.data.sql import quoted
from ratchet.errors import RequestError

if TYPE_CHECKING:
    import duckdb

_DAYS = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%Y{0}%d{0}%m")
_SHORT = ("%d{0}%m{0}%y", "%m{0}%d{0}%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMATS = tuple(day.format(sign) + time for day in (*_DAYS, *_SHORT) for sign in "./-" for time in _TIMES)
_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?"
_INTEGER, _POINT, _COMMA = r"[+-]?(0|[1-9]\d*)", r"[+-]?\d*\.?\d+([eE][+-]?\d+)?", r"[+-]?(\d+|\d*,\d+)"
_MISSING = r"[nN][aA][nN]"


@dataclass(frozen=True)
class Seen:
    """What a column of text holds."""

    kind: ColumnType
    sign: str = ""  # the decimal sign; empty where no value shows one
    date_format: str | None = None
    note: str = ""


def see(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    numbers: bool = True,
    given: str | None = None,
    day: str | None = None,
    rows: str = "sample",
) -> Seen:
    """Say what a column of the table `rows` holds.

    numbers: whether text may be a number, as in CSV. given: how dates are written, where a person says so. day: a
    column of the sample with the ISO day that the file's name says, which settles what day and month are.
    Raises RequestError where day and month cannot be told apart.
    """
    at = quoted_name(column)

    def all_are(condition: str) -> bool:
        sql = f"SELECT count({at}), count(*) FILTER (WHERE {at} IS NOT NULL AND NOT coalesce({condition}, false))"
        there, others = connection.sql(f"{sql} FROM {rows}").fetchall()[0]
        return bool(there) and not others

    def match(pattern: str) -> str:
        return f"regexp_full_match({at}, {quoted(pattern)})"

    if given and all_are(f"try_strptime({at}, {quoted(given)}) IS NOT NULL"):
        return Seen(_moment(given), date_format=given)
    if all_are(f"{match(_ISO)} AND try_cast({at} AS TIMESTAMPTZ) IS NOT NULL"):
        return Seen("date" if all_are(f"length({at}) = 10") else "timestamp")
    if numbers and all_are(f"lower({at}) IN ('true', 'false')"):
        return Seen("bool")
    if numbers and all_are(match(_INTEGER)):
        if all_are(f"try_cast({at} AS BIGINT) IS NOT NULL"):
            return Seen("int64")
        return Seen("string", note="numbers beyond 64 bits, which only text holds as they are")
    zeros = f"regexp_matches({at}, {quoted(r'^[+-]?0[0-9]')})"
    for sign, pattern in ((".", _POINT), (",", _COMMA)) if numbers else ():
        if all_are(f"({match(pattern)} OR {match(_MISSING)}) AND NOT {zeros}"):
            return Seen("float64", sign)
    return _dates(connection, column, all_are, day, rows)


def _dates(
    connection: duckdb.DuckDBPyConnection, column: str, all_are: Callable[[str], bool], day: str | None, rows: str
) -> Seen:
    """Find the one way in which all values are dates; text where there is none."""
    at = quoted_name(column)
    if not all_are(f"regexp_matches({at}, {quoted(r'^[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}')})"):
        return Seen("string")
    reading = [each for each in FORMATS if all_are(f"try_strptime({at}, {quoted(each)}) IS NOT NULL")]
    reading = [each for each in reading if "%y" not in each or not _long_years(connection, at, rows)]
    reading = [each for each in reading if "%Y" not in each or _long_years(connection, at, rows)]
    if len(reading) > 1 and day is not None:
        named = f"CAST(try_strptime({at}, {{}}) AS DATE) = CAST({quoted_name(day)} AS DATE)"
        reading = [each for each in reading if all_are(named.format(quoted(each)))] or reading
    if not reading:
        return Seen("string", note="dates that are not all written alike" if _looks_dated(column) else "")
    if len({_values(connection, at, each, rows) for each in reading}) > 1:
        first = connection.sql(f"SELECT min({at}) FROM {rows}").fetchall()[0][0]
        raise RequestError(
            f"The sample's {column} is written as {first}, and day and month cannot be told apart in it. Say which it "
            f"is: {' or '.join(f'--date-format {each!r}' for each in reading)}"
        )
    return Seen(_moment(reading[0]), date_format=reading[0])


def _moment(date_format: str) -> ColumnType:
    return "timestamp" if re.search("%[HI]", date_format) else "date"


def _long_years(connection: duckdb.DuckDBPyConnection, at: str, rows: str) -> bool:
    found = connection.sql(f"SELECT bool_and(regexp_matches({at}, '[0-9]{{4}}')) FROM {rows}").fetchall()
    return bool(found[0][0])


def _values(connection: duckdb.DuckDBPyConnection, at: str, date_format: str, rows: str) -> object:
    """Return what tells one reading of the dates from another: a hash of them all."""
    sql = f"SELECT bit_xor(hash(strptime({at}, {quoted(date_format)}), {at})) FROM (SELECT DISTINCT {at} FROM {rows})"
    return connection.sql(sql).fetchall()[0][0]


def _looks_dated(column: str) -> bool:
    return bool(re.search("date|time|day|_at$|_on$", column.lower()))
