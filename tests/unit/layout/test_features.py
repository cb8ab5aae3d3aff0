"""The text of features.sql: it runs, and says what it leaves out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ratchet.layout import features, look, roles

HOURS = [dt.datetime(2024, 3, 1) + dt.timedelta(hours=hour) for hour in range(600)]
Y = [n * 7 % 13 for n in range(600)]


def _ran(table: pa.Table, target: str = "y") -> tuple[str, list[str]]:
    sample = look.at_table(table)
    found = roles.find(sample, None, target, (), None)
    text = features.text("order", sample, found, roles.features(sample, found))
    with duckdb.connect() as connection:
        connection.register("order", sample.table)
        return text, connection.sql(text).columns


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"at": HOURS, "select": [n % 3 for n in range(600)], "y": Y}, ["at", "event_time", "select"]),
        ({"event_time": HOURS, "y": Y}, ["event_time"]),
        ({"at": HOURS, "event_time": [n % 3 for n in range(600)], "y": Y}, ["at", "event_time"]),
    ],
)
def test_the_select_shows_key_moment_features_and_the_calendar(columns: dict[str, Any], expected: list[str]) -> None:
    assert _ran(pa.table(columns))[1] == [*expected, "hour_of_day", "day_of_week", "mean_7d"]


def test_daily_data_have_no_hour_and_a_column_of_ours_stays_the_samples() -> None:
    days = [HOURS[0] + dt.timedelta(days=day) for day in range(90)]
    table = pa.table({"at": days, "mean_7d": [n % 4 for n in range(90)], "y": Y[:90]})
    assert _ran(table)[1] == ["at", "event_time", "mean_7d", "day_of_week"]


def test_classes_have_no_mean() -> None:
    text, columns = _ran(pa.table({"at": HOURS, "y": [f"c{n % 4}" for n in range(600)]}))
    assert columns == ["at", "event_time", "hour_of_day", "day_of_week"]
    assert "WITH" not in text


def test_what_is_left_out_stands_there_with_its_reason() -> None:
    table = pa.table({"at": HOURS, "double": [2 * y for y in Y], "seen": HOURS[::-1], "y": Y})
    text, columns = _ran(table)
    assert '    -- "double": double is, value for value, in step with y' in text
    assert '    -- "seen": seen only falls with at' in text
    assert not {"double", "seen"} & {*columns}
