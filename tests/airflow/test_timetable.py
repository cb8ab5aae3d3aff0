"""Any cron, in any zone, over partitions that are days: which day a tick is for, and which days a backfill takes."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.timetables.base import DagRunInfo, TimeRestriction
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract import cron
from ratchet.decisions.nights import MOST_MADE_UP, missing
from ratchet.partitions import days_between, shift
from ratchet_airflow.timetable import NightTimetable
from tests.conftest import lay

CRONS = st.sampled_from(
    [
        "0 1 * * *",
        "0 0 * * *",
        "59 23 * * *",
        "*/17 * * * *",
        "0 */6 * * *",
        "30 2 * * *",
        "0 4 * * mon",
        "15 22 * * 0",
        "0 1 1 * *",
        "0 0 L * *",
        "0 12 * * 1-5",
        "0 3 1,15 * *",
        "@daily",
        "@weekly",
        "@midnight",
    ]
) | st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.sampled_from(["*", "2", "fri"]))
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Los_Angeles",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
    ]
)
MOMENTS = st.datetimes(dt.datetime(2012, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))


def _ticks(timetable: NightTimetable, start: dt.datetime, count: int) -> list[DagRunInfo]:
    """Return the first runs after a moment, as a scheduler that misses none would start them."""
    since = TimeRestriction(pendulum.instance(start), None, catchup=True)
    found: list[DagRunInfo] = []
    for _ in range(count):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=found[-1] if found else None, restriction=since)
        assert info is not None
        found.append(info)
    return found


def _over(day: str) -> dt.datetime:
    """Return the moment at which a day is over."""
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), dt.UTC) + dt.timedelta(days=1)


@given(cron=CRONS, zone=ZONES, start=MOMENTS)
def test_a_ticks_day_is_the_newest_that_is_over(cron: str, zone: str, start: dt.datetime) -> None:
    timetable = NightTimetable(cron, timezone=zone)
    for info in _ticks(timetable, start, 4):
        assert info.partition_key is not None
        over = _over(info.partition_key)
        assert over <= info.run_after < over + dt.timedelta(days=1)
        assert info.partition_date == over - dt.timedelta(days=1)
        assert timetable.resolve_partition_date(info.partition_key) == info.partition_date


@given(cron=CRONS, zone=ZONES, start=MOMENTS)
def test_what_lies_between_two_ticks_is_made_up_by_itself(cron: str, zone: str, start: dt.datetime) -> None:
    """A month is the longest pause of these crons; no day between two nights is lost."""
    keys = [str(info.partition_key) for info in _ticks(NightTimetable(cron, timezone=zone), start, 4)]
    for one, other in pairwise(keys):
        assert one <= other
        gap = missing(other, [one])
        assert len(gap.days) <= MOST_MADE_UP - 1
        assert [one, *gap.days] == [shift(one, n) for n in range(max(1, days_between(one, other)))]


@pytest.mark.parametrize(
    ("cron", "zone", "start", "keys"),
    [
        ("0 1 * * *", "UTC", "2013-02-01T00:00", ["2013-01-31", "2013-02-01", "2013-02-02"]),
        ("0 3 * * mon", "UTC", "2013-02-01T00:00", ["2013-02-03", "2013-02-10", "2013-02-17"]),
        ("0 */6 * * *", "UTC", "2013-02-01T00:00", ["2013-01-31"] * 4 + ["2013-02-01"]),
        ("0 1 * * *", "Europe/Berlin", "2013-02-01T12:00", ["2013-02-01", "2013-02-02"]),  # at midnight of UTC
        ("30 0 * * *", "Europe/Berlin", "2013-02-01T12:00", ["2013-01-31", "2013-02-01"]),  # before it
        ("0 20 * * *", "America/New_York", "2013-02-01T12:00", ["2013-02-01", "2013-02-02"]),  # after it
        ("0 1 1 * *", "UTC", "2013-02-01T00:00", ["2013-01-31", "2013-02-28", "2013-03-31"]),
    ],
)
def test_the_days_of_known_crons(cron: str, zone: str, start: str, keys: list[str]) -> None:
    moment = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    found = _ticks(NightTimetable(cron, timezone=zone), moment, len(keys))
    assert [info.partition_key for info in found] == keys


def _backfill(timetable: Any, first: dt.datetime, last: dt.datetime) -> list[DagRunInfo]:
    return list(timetable.iter_partition_dagrun_infos(earliest=first, latest=last))


@given(cron=CRONS, zone=ZONES)
def test_a_backfill_takes_each_day_of_its_range_whatever_the_cron(cron: str, zone: str) -> None:
    first, last = (dt.datetime(2013, 2, day, tzinfo=dt.UTC) for day in (1, 4))
    found = _backfill(NightTimetable(cron, timezone=zone), first, last)
    assert [info.partition_key for info in found] == ["2013-02-01", "2013-02-02", "2013-02-03"]
    assert [info.run_after for info in found] == [_over(str(info.partition_key)) for info in found]
    assert len({info.partition_date for info in found}) == 3


def test_a_backfill_takes_no_day_that_is_not_over() -> None:
    now = dt.datetime.now(dt.UTC)
    week = dt.timedelta(days=7)
    found = _backfill(NightTimetable("0 1 * * *", timezone="UTC"), now - week, now + week)
    assert len(found) == 6  # the first has begun before the range
    assert _over(str(found[-1].partition_key)) <= dt.datetime.now(dt.UTC)


def test_a_run_of_a_backfill_and_of_the_schedule_are_of_one_partition() -> None:
    """Airflow knows them by the date; a backfill would make a day that was run already anew."""
    timetable = NightTimetable("0 4 * * mon", timezone="Europe/Berlin")
    scheduled = _ticks(timetable, dt.datetime(2013, 2, 1, tzinfo=dt.UTC), 1)[0]
    assert scheduled.partition_date is not None
    asked = _backfill(timetable, scheduled.partition_date, scheduled.partition_date + dt.timedelta(days=1))
    assert [(each.partition_date, each.partition_key) for each in asked] == [scheduled[2:]]


def test_a_key_that_is_no_day_is_refused() -> None:
    with pytest.raises(ValueError, match="'yesterday' is no day"):
        NightTimetable("0 1 * * *", timezone="UTC").resolve_partition_date("yesterday")


@pytest.mark.parametrize(
    ("text", "zone"), [("0 3 * * mon", "Europe/Berlin"), ("0 */6 * * *", "UTC"), ("@weekly", "Asia/Kolkata")]
)
def test_a_contracts_cron_comes_through_airflows_database(
    tmp_path: Path, loops_folder: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, text: str, zone: str
) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    lay(tmp_path / "var", loops_folder, tmp_path, monkeypatch.setenv)
    path = tmp_path / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("ingest: null", f'ingest: "{cron.check(text)}"\n  timezone: {zone}'))
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "wind.py").write_text(
        '"""A loop for airflow: dag file."""\nfrom ratchet_airflow.loop_dags import dags_of\n\n'
        'globals().update(dags_of("wind"))\n'
    )
    bag = DagBag(dag_folder=str(dags), bundle_path=dags, bundle_name="scheduled")
    assert bag.import_errors == {}
    written = DagSerialization.to_dict(bag.dags["wind.ingest"])
    read = DagSerialization.from_dict(written).timetable
    assert isinstance(read, NightTimetable)
    assert (read.partitioned, read.periodic, read.can_be_scheduled) == (True, True, True)
    ours = NightTimetable(text, timezone=zone)
    moment = dt.datetime(2013, 2, 1, tzinfo=dt.UTC)
    assert _ticks(read, moment, 5) == _ticks(ours, moment, 5)
    assert read.summary == ours.summary
    assert zone in read.description
    assert read.serialize() == ours.serialize()
