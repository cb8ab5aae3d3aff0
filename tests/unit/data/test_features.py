"""Features: nothing but the past, the same for any order of rows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.data import conversion, features, tables
from ratchet.errors import ContractError
from tests.given import flights


@pytest.fixture(scope="module")
def ten_days() -> dict[str, pa.Table]:
    return flights.days("2013-02-01", "2013-02-10")


@settings(max_examples=12, deadline=None)
@given(
    at=st.datetimes(dt.datetime(2013, 2, 9, 10), dt.datetime(2013, 2, 11, 2)),
    delay=st.integers(-40, 900),
    wind=st.floats(0, 90),
)
def test_nothing_after_the_moment_of_the_question_changes_a_feature(
    ten_days: dict[str, pa.Table], at: dt.datetime, delay: int, wind: float
) -> None:
    """Rewrite all that happened after a moment: departures, arrivals, weather.

    Features asked before it stay as they are.

    What happens after `at` is put to other times after `at`, cancelled, or given other values; a flight's own early
    departure is among it.
    """
    loop = catalog.load("flight_delays")
    flights, weather = (ten_days[name].to_pandas() for name in ("flights", "weather"))
    later = flights.departed_at > at
    moved = at + dt.timedelta(minutes=1) + dt.timedelta(minutes=abs(delay))
    flights.loc[later, "departed_at"] = moved
    flights.loc[later, "dep_delay"] = delay
    arrives = flights.arrived_at > at
    flights.loc[arrives, "arrived_at"] = moved + dt.timedelta(minutes=30)
    flights.loc[arrives, "arr_delay"] = delay
    cancelled = later & (flights.flight % 3 == 0)
    flights.loc[cancelled, ["departed_at", "arrived_at", "dep_delay", "arr_delay"]] = None
    weather.loc[weather.observed_at > at, ["wind_speed", "temp", "pressure", "visib", "precip", "humid"]] = wind
    columns = loop.tables
    changed = {
        name: conversion.conform(
            pa.Table.from_pandas(frame, preserve_index=False), {**columns[name].columns, features.PARTITION: "string"}
        )
        for name, frame in (("flights", flights), ("weather", weather))
    }
    before, after = (features.compute(loop, given, "2013-02-09", "2013-02-10") for given in (ten_days, changed))
    asked = pc.less_equal(before.column("event_time"), pa.scalar(at, pa.timestamp("us")))
    categorical, numeric = features.names(loop, before.column_names)
    names = [*loop.main_table.key, *categorical, *numeric]
    assert before.filter(asked).select(names).equals(after.filter(asked).select(names))


def test_the_features_see_what_came_before(ten_days: dict[str, pa.Table]) -> None:
    loop = catalog.load("flight_delays")
    flights = ten_days["flights"].to_pandas()
    flights.loc[flights.departed_at < dt.datetime(2013, 2, 9), "dep_delay"] = 0
    changed = {
        **ten_days,
        "flights": pa.Table.from_pandas(flights, schema=ten_days["flights"].schema, preserve_index=False),
    }
    before, after = (features.compute(loop, given, "2013-02-08", "2013-02-08") for given in (ten_days, changed))
    assert not before.column("origin_late_3h").equals(after.column("origin_late_3h"))


def test_the_same_rows_in_another_order_give_the_same_features(ten_days: dict[str, pa.Table]) -> None:
    loop = catalog.load("flight_delays")
    turned = {name: table.take(list(range(table.num_rows))[::-1]) for name, table in ten_days.items()}
    one, other = (features.compute(loop, given, "2013-02-10", "2013-02-10") for given in (ten_days, turned))
    assert tables.content_hash(one) == tables.content_hash(other)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 1 AS x", "lacks the column"),
        ("SELECT observed_at, origin, observed_at AS event_time FROM weather", "gives no feature"),
        ("SELECT * FROM nowhere", "fails"),
        ("SELECT observed_at, origin, observed_at AS event_time, origin AS port FROM weather", "port .* is text"),
        ("SELECT observed_at, origin, observed_at AS event_time, temp FROM weather CROSS JOIN range(2)", None),
    ],
)
def test_sql_that_is_wrong_is_told_early(place: Path, sql: str, words: str | None) -> None:
    loop = catalog.load("wind")
    (loop.folder / "features.sql").write_text(sql)
    loop = loop.model_copy(update={"features": loop.features.model_copy(update={"categorical": ()})})
    if words:
        with pytest.raises(ContractError, match=words):
            features.dry_run(loop)
    else:
        one = {
            "observed_at": dt.datetime(2013, 1, 1),
            "origin": "EWR",
            "temp": 1.0,
            "humid": 1.0,
            "wind_speed": 1.0,
            "pressure": 1.0,
        }
        table = conversion.conform(pa.Table.from_pylist([one]), loop.main_table.columns)
        given = {"weather": table.append_column(features.PARTITION, pa.array(["2013-01-01"]))}
        with pytest.raises(ContractError, match="each key exactly once"):
            features.compute(loop, given, "2013-01-01", "2013-01-01")


@pytest.mark.parametrize(
    ("attempt", "where"),
    [
        ("SELECT * FROM read_text('{secret}')", "sql"),
        ("SELECT 1; COPY (SELECT 1) TO '{written}'", "sql"),
        ("COPY (SELECT 1) TO '{written}'", "sql"),
        ("PIVOT weather ON origin", "sql"),
        ("-- nothing", "sql"),
        ("SELECT * FROM loop", "sql"),  # a variable of Python's
        ("(SELECT content FROM read_text('{secret}'))", "target"),
        ("wind_speed); COPY (SELECT 1) TO '{written}'; SELECT (1", "target"),
    ],
)
def test_a_loops_sql_is_one_select_over_its_tables(place: Path, attempt: str, where: str) -> None:
    """`…; COPY … TO` wrote files during `ratchet lint`, which runs on what strangers propose."""
    secret, written, folder = place / "secret", place / "written", place / "loops" / "wind"
    secret.write_text("hunter2")
    text = attempt.format(secret=secret, written=written)
    if where == "sql":
        (folder / "features.sql").write_text(text)
    else:
        contract = folder / "loop.yaml"
        contract.write_text(contract.read_text().replace("sql: wind_speed", f"sql: {json.dumps(text)}"))
    with pytest.raises(ContractError) as caught:
        features.dry_run(catalog.load("wind"))
    assert "hunter2" not in str(caught.value)
    assert not written.exists()


@pytest.mark.parametrize("name", ["features", "labels", "told", "rows_of_weather", "given_weather", "raw_weather"])
def test_a_table_may_have_any_name(place: Path, name: str) -> None:
    """Names of our own tables of DuckDB were taken by a contract's."""
    contract = place / "loops" / "wind" / "loop.yaml"
    columns = "{observed_at: timestamp, origin: string, at_hour: timestamp}"
    more = f"  {name}:\n    key: [origin]\n    time: at_hour\n    suite: wind\n    columns: {columns}"
    contract.write_text(contract.read_text().replace("\ntarget:\n", f"\n{more}\n\ntarget:\n", 1))
    sql = place / "loops" / "wind" / "features.sql"
    sql.write_text(sql.read_text().replace("hour(asked.observed_at)", f"(SELECT count(*) FROM {name})"))
    loop = catalog.load("wind")
    assert [*loop.tables] == ["weather", name]
    assert "hour_of_day" in features.dry_run(loop)
    brought = loop.model_copy(update={"labels": name})
    assert "hour_of_day" in features.dry_run(brought)
