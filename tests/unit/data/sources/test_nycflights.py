"""The flights of 2013, as a source for any day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ratchet.data.sources import Asked, nycflights

days_of_any_year = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


@given(days_of_any_year)
def test_any_day_finds_flights_of_the_same_weekday(day: dt.date) -> None:
    stored = nycflights.stored_day(day)
    assert stored.year == 2013
    assert stored.weekday() == day.weekday()
    season = abs((stored - dt.date(2013, day.month, min(day.day, 28))).days)
    assert min(season, 365 - season) <= 11
    if day.year == 2013:
        assert stored == day


def test_the_source_delivers_every_flight_once() -> None:
    delivered = [nycflights.fetch(nycflights.Options(), _asked(dt.date(2013, 2, day))) for day in range(1, 29)]
    assert sum(d["flights"].num_rows for d in delivered) == 24_936  # of them that leave in February 2013, UTC
    keys = pa.concat_tables([d["flights"].select(["sched_dep", "carrier", "flight", "origin"]) for d in delivered])
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == 24_936


def test_arrivals_agree_with_the_time_in_the_air() -> None:
    flights = nycflights.fetch(nycflights.Options(), _asked(dt.date(2013, 7, 10)))["flights"].to_pandas()
    flown = flights.dropna(subset=["arrived_at", "departed_at"])
    minutes = (flown.arrived_at - flown.departed_at).dt.total_seconds() / 60
    assert minutes.between(25, 900).all()
    assert (minutes.groupby(flown.dest).median() / flown.groupby("dest").distance.first() < 0.75).all()


def test_a_day_outside_2013_is_moved_there() -> None:
    flights = nycflights.fetch(nycflights.Options(), _asked(dt.date(2026, 11, 20)))["flights"]
    moments = flights.column("sched_dep").to_pylist()
    assert min(moments).date() == dt.date(2026, 11, 20)
    assert max(moments).date() == dt.date(2026, 11, 20)


def test_landings_after_midnight_may_be_reported_late() -> None:
    day, options = dt.date(2013, 2, 12), nycflights.Options(late=(dt.date(2013, 2, 12),))
    first = nycflights.fetch(options, _asked(day))["flights"]
    again = nycflights.fetch(options, Asked(day, day, Path(), newest=dt.date(2013, 2, 13)))["flights"]
    assert again.equals(nycflights.fetch(nycflights.Options(), _asked(day))["flights"])
    assert first.drop_columns(["arr_delay", "arrived_at"]).equals(again.drop_columns(["arr_delay", "arrived_at"]))
    assert max(filter(None, first.column("arrived_at").to_pylist())).date() == day
    assert first.column("arr_delay").null_count > again.column("arr_delay").null_count + 50


def _asked(day: dt.date) -> Asked:
    return Asked(day, day, Path())
