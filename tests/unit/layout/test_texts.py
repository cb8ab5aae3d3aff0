"""What a column of text holds: nothing is guessed, and no value is changed."""

from __future__ import annotations

import duckdb
import pytest

from ratchet.errors import RequestError
from ratchet.layout import texts


def _see(values: list[str], given: str | None = None, days: list[str] | None = None) -> texts.Seen:
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE sample ("at" VARCHAR, day VARCHAR)')
        connection.executemany("INSERT INTO sample VALUES (?, ?)", [*zip(values, days or values, strict=True)])
        return texts.see(connection, "at", given=given, day="day" if days else None)


@pytest.mark.parametrize(
    ("values", "kind", "sign"),
    [
        (["1", "-20", "0"], "int64", ""),
        (["01", "20"], "string", ""),  # as an id begins
        (["9223372036854775808", "1"], "string", ""),
        (["1.5", "2", ".5", "1e3"], "float64", "."),
        (["1,5", "2"], "float64", ","),
        (["1.5", "1,5"], "string", ""),
        (["1.5", "nan"], "float64", "."),
        (["True", "false"], "bool", ""),
        (["Y", "N"], "string", ""),
        (["2024-03-01", "2024-12-31"], "date", ""),
        (["2024-03-01 10:00", "2024-03-01T10:00:00.5+01:00"], "timestamp", ""),
        (["2024-03-01", "2024-02-31"], "string", ""),
    ],
)
def test_types_are_those_that_every_value_comes_back_from(values: list[str], kind: str, sign: str) -> None:
    found = _see(values)
    assert (found.kind, found.sign) == (kind, sign)


@pytest.mark.parametrize(
    ("values", "kind", "date_format"),
    [
        (["01.03.2024", "31.03.2024"], "date", "%d.%m.%Y"),
        (["3/31/2024 1:30 PM", "4/1/2024 10:00 AM"], "timestamp", "%m/%d/%Y %I:%M %p"),
        (["31/03/24", "01/04/24"], "date", "%d/%m/%y"),
        (["2024/03/31", "2024/04/01"], "date", "%Y/%m/%d"),
        (["05/05/2024", "06/06/2024"], "date", "%d/%m/%Y"),  # the same either way
    ],
)
def test_dates_are_read_in_the_one_way_that_fits(values: list[str], kind: str, date_format: str) -> None:
    found = _see(values)
    assert (found.kind, found.date_format) == (kind, date_format)


def test_day_and_month_that_cannot_be_told_apart_are_asked_about() -> None:
    values = ["01/03/2024", "02/03/2024"]
    with pytest.raises(RequestError, match="--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'"):
        _see(values)
    assert _see(values, given="%m/%d/%Y").date_format == "%m/%d/%Y"
    assert _see(values, days=["2024-03-01", "2024-03-02"]).date_format == "%d/%m/%Y"
