"""What a cron leaves out is made up, through the operators that Airflow runs; a day's later ticks do no harm."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DagRunTriggerException
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.timetables.base import TimeRestriction

from ratchet import steps
from ratchet.lifecycle import dataset, nights
from ratchet.partitions import parse
from ratchet_airflow import notes
from ratchet_airflow.operators import base
from ratchet_airflow.operators.ingest import FetchOperator, PublishOperator, ValidateOperator
from ratchet_airflow.operators.night import TurnOperator
from ratchet_airflow.timetable import NightTimetable
from tests.conftest import ingest

STEPS = (FetchOperator, ValidateOperator, PublishOperator)


@pytest.fixture
def noted(place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notes of all runs; steps run in this process, not in one of their own."""
    written: list[str] = []
    monkeypatch.setattr(notes, "add", lambda _context, _log, text: written.append(text))

    def step(name: str, loop: Any, request: dict[str, Any], _log: Any) -> dict[str, Any]:
        found = steps.find(name)
        return dict(found.run(loop, found.request(**request)).model_dump(mode="json"))

    monkeypatch.setattr(base, "step", step)
    return written


def _context(run: str, key: str) -> Any:
    return {"dag_run": type("Run", (), {"dag_id": "wind.ingest", "run_id": run, "partition_key": key})()}


def _turn(day: str, run: str) -> tuple[str, str] | None:
    """Run the first task; return the run that it triggers, and its day."""
    task = TurnOperator(task_id="turn", loop="wind", partitions=day, run=run, openlineage_inject_parent_info=False)
    try:
        task.execute(_context(run, day))
    except DagRunTriggerException as triggered:
        return triggered.dag_run_id, triggered.conf["partitions"]
    return None


def _live(day: str, run: str) -> list[str]:
    """Live the run of an ingestion, and before it what it triggers, as Airflow would; return the days, in order."""
    lived: list[str] = []
    if before := _turn(day, run):
        with pytest.raises(TaskDeferred):
            _task(FetchOperator, day, run)  # it waits for the nights before it
        lived = _live(before[1], before[0])
    for operator in STEPS:
        _task(operator, day, run)
    return [*lived, day]


def _task(operator: Any, day: str, run: str) -> Any:
    task = operator(task_id=operator.step, loop="wind", partitions=day, delivery=run)
    return task.execute(_context(run, day))


def _ticks(cron: str, zone: str, since: str, count: int) -> list[tuple[str, str]]:
    """Return the runs and days of a cron's first ticks."""
    timetable, found = NightTimetable(cron, timezone=zone), []
    start = TimeRestriction(pendulum.instance(dt.datetime.fromisoformat(since), tz="UTC"), None, catchup=True)
    info = None
    for _ in range(count):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=start)
        assert info is not None
        found.append((f"scheduled__{info.run_after:%Y-%m-%dT%H%M}", str(info.partition_key)))
    return found


def _published() -> list[str]:
    registry = dataset.registry()
    return registry.partitions("wind", "weather", registry.head())


def test_a_weekly_cron_takes_its_seven_days_in_order(noted: list[str]) -> None:
    ingest("wind", "2013-01-06")  # the night of the last Sunday
    ((run, day),) = _ticks("0 3 * * mon", "UTC", "2013-01-09", 1)
    assert _live(day, run) == parse("2013-01-07..2013-01-13")
    assert _published() == parse("2013-01-06..2013-01-13")
    assert nights.opened(dataset.registry(), "wind") == []


def test_a_monthly_cron_asks_for_each_night_of_its_month(noted: list[str]) -> None:
    ingest("wind", "2013-01-31")
    ingest("wind", "2013-02-28")
    (_, _), (run, day) = _ticks("0 3 1 * *", "UTC", "2013-02-20", 2)
    assert day == "2013-03-31"
    asked, before = [], (run, day)
    while before is not None:
        asked.append(before[1])
        before = _turn(before[1], before[0])
    assert asked == [*reversed(parse("2013-03-01..2013-03-31"))]
    assert [night.partition for night in nights.opened(dataset.registry(), "wind")] == parse("2013-03-01..2013-03-31")


def test_the_later_ticks_of_a_day_look_again_and_change_nothing(noted: list[str]) -> None:
    ingest("wind", "2013-01-06")
    first, *later = _ticks("0 */6 * * *", "UTC", "2013-01-08", 4)
    assert {day for _, day in (first, *later)} == {"2013-01-07"}
    assert _live(first[1], first[0]) == ["2013-01-07"]
    before = dataset.registry().head()
    for run, day in later:
        assert _turn(day, run) is None
        for operator in STEPS[:2]:
            _task(operator, day, run)
        with pytest.raises(AirflowSkipException, match="already published"):
            _task(PublishOperator, day, run)
    assert _published() == ["2013-01-06", "2013-01-07"]
    assert dataset.registry().content_id("wind/data", before) == dataset.registry().content_id("wind/data", "HEAD")


def test_a_later_tick_finds_what_an_earlier_one_did_not(place: Path, noted: list[str]) -> None:
    """A source that is late by some hours: the night that was refused is lived by the next tick."""
    ingest("wind", "2013-01-06")
    first, second = _ticks("0 */6 * * *", "UTC", "2013-01-08", 2)
    contract = place / "loops" / "wind" / "loop.yaml"
    whole = contract.read_text()
    contract.write_text(whole.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    with pytest.raises(AirflowFailException, match="dropped column humid"):
        _live(first[1], first[0])
    assert _ended("2013-01-07") == "refused"
    contract.write_text(whole)
    assert _live(second[1], second[0]) == ["2013-01-07"]
    assert _ended("2013-01-07") == "published"


def _ended(day: str) -> str:
    found = nights.ended(dataset.registry(), "wind", day)
    return found["state"] if found else ""
