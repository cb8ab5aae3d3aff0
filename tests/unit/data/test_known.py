"""What was known at a moment."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ratchet.contract import reading
from ratchet.contract.loop import Loop
from ratchet.data import conversion, known
from ratchet.errors import ContractError

CONTRACT = """
name: trips
description: How long will a trip take?
task: regression
source: {kind: files}
tables:
  trips:
    key: [trip]
    time: asked_at
    suite: trips
    columns:
      trip: int64
      asked_at: timestamp
      planned: int64
      arrived_at: timestamp
      minutes: {type: int64, known_at: arrived_at}
      tip: float64
  weather:
    key: [hour]
    time: hour
    known_at: reported_at
    suite: weather
    columns: {hour: timestamp, reported_at: timestamp, rain: float64}
target: {name: late, sql: minutes - planned + tip}
label_delay_days: 2
"""
DAYS = ("2024-03-01", "2024-03-02")


def _loop(place: Path, text: str = CONTRACT) -> Loop:
    folder = place / "trips"
    folder.mkdir(exist_ok=True)
    (folder / "loop.yaml").write_text(text)
    return reading.read(folder / "loop.yaml")


def _at(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2024, 3, day, hour)


def _given(loop: Loop) -> dict[str, pa.Table]:
    trips = [
        {"trip": 1, "asked_at": _at(1, 9), "planned": 5, "arrived_at": _at(1, 10), "minutes": 60, "tip": 1.5},
        {"trip": 2, "asked_at": _at(1, 23), "planned": 7, "arrived_at": _at(2, 1), "minutes": 120, "tip": 0.5},
        {"trip": 3, "asked_at": _at(2, 8), "planned": 9, "arrived_at": None, "minutes": None, "tip": None},
    ]
    weather = [
        {"hour": _at(1, 9), "reported_at": _at(1, 12), "rain": 0.5},
        {"hour": _at(1, 10), "reported_at": _at(2, 12), "rain": 0.25},
        {"hour": _at(2, 11), "reported_at": None, "rain": 1.0},
    ]
    return {"trips": _table(loop, "trips", trips), "weather": _table(loop, "weather", weather)}


def _table(loop: Loop, name: str, rows: list[dict[str, Any]]) -> pa.Table:
    spec = loop.tables[name]
    table = conversion.conform(pa.Table.from_pylist(rows), spec.columns)
    days = [row[spec.time].date().isoformat() for row in rows]
    return table.append_column(known.PARTITION, pa.array(days, pa.string()))


def test_a_row_and_a_value_are_known_from_when_the_contract_says(tmp_path: Path) -> None:
    loop = _loop(tmp_path)
    seen = known.cut(loop, _given(loop), "2024-03-01", known.end_of("2024-03-01"))
    trips, weather = seen["trips"].to_pydict(), seen["weather"].to_pydict()
    assert weather["hour"] == [_at(1, 9)]
    assert trips["trip"] == [1, 2]
    assert trips["minutes"] == [60, None]
    assert trips["arrived_at"] == [_at(1, 10), None], "when a value is known is known then itself"
    later = known.cut(loop, _given(loop), "2024-03-02", known.end_of("2024-03-02"))
    assert later["trips"].to_pydict()["minutes"] == [60, 120, None]
    assert later["weather"].num_rows == 2


def test_a_label_is_known_when_the_contract_says_by_default(tmp_path: Path) -> None:
    loop = _loop(tmp_path)
    assert known.labels(loop) == ["minutes", "planned", "tip"]
    for day, tips in (("2024-03-02", [None, None]), ("2024-03-03", [1.5, 0.5]), ("2024-03-04", [1.5, 0.5])):
        found = known.cut(loop, _given(loop), day, known.end_of(day))["trips"].to_pydict()
        assert found["tip"][:2] == tips, day
        assert found["planned"][:2] == ([5, 7] if tips[0] else [None, None])


def test_what_is_all_known_is_left_as_it_is(tmp_path: Path) -> None:
    loop = _loop(tmp_path)
    given = _given(loop)
    found = known.cut(loop, given, "2024-03-09", known.end_of("2024-03-09"))
    assert found["trips"].equals(given["trips"])


def test_within_a_day_a_row_of_the_first_table_is_known_when_it_is_asked_about(tmp_path: Path) -> None:
    loop = _loop(tmp_path)
    given = _given(loop)
    asked = pa.array([None, None, _at(2, 6)], pa.timestamp("us"))  # of an earlier day: from its beginning
    given["trips"] = given["trips"].append_column(known.ASKED, asked)
    for hour, rows in ((5, [1, 2]), (6, [1, 2, 3])):
        assert known.cut(loop, given, "2024-03-02", _at(2, hour))["trips"].to_pydict()["trip"] == rows


def test_a_row_that_is_known_after_its_day_is_refused(tmp_path: Path) -> None:
    loop = _loop(tmp_path, CONTRACT.replace("time: asked_at\n", "time: asked_at\n    known_at: arrived_at\n", 1))
    with pytest.raises(ContractError, match=r"1 rows of trips of 2024-03-01 are known after their day.*arrived_at"):
        known.cut(loop, _given(loop), "2024-03-01", known.end_of("2024-03-01"))


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("known_at: arrived_at", "known_at: arived_at", 16, "no timestamp under columns; did you mean 'arrived_at'?"),
        ("known_at: arrived_at", "known_at: planned", 16, "names 'planned', which is no timestamp"),
        ("{type: int64, known_at", "{kind: int64, known_at", 16, "expected a type, or {type: …, known_at: …}"),
        ("known_at: reported_at", "known_at: rain", 21, "names 'rain', which is no timestamp"),
        ("{type: int64, known", "{type: int46, known", 16, "int64"),
    ],
)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        _loop(tmp_path, CONTRACT.replace(old, new, 1))
    assert f"loop.yaml:{line}: " in str(caught.value)
    assert words in str(caught.value)
