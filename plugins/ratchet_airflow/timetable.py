"""The timetable of an ingestion: any cron, in any zone, over partitions that are days in UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pendulum
from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, Timetable
from airflow.timetables.trigger import CronPartitionTimetable

KEY = "%Y-%m-%d"
DAY = dt.timedelta(days=1)


class NightTimetable(CronPartitionTimetable):
    """Start a run at each tick of a cron, for the last day (UTC) that is over then.

    Days between the last night and it are made up by the run's first task, `turn`, whatever the cron leaves out; later
    ticks of a day look again. A backfill takes each day of its range, whatever the cron.

    Airflow's own takes the tick before as the partition: a weekly cron would lose six days of seven, a six-hourly one
    publish a day that is not over, and one in a zone east of UTC a local date that has not ended in UTC.

    :param cron: when to run.
    :param timezone: the zone that the cron is read in.
    """

    description: str

    def __init__(self, cron: str, *, timezone: Any) -> None:
        super().__init__(cron, timezone=timezone, key_format=KEY)
        self.description = f"{self.description} ({self._timezone.name}), the days that are over (UTC)"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Read what `serialize` has written."""
        return cls(data["cron"], timezone=data["timezone"])

    def serialize(self) -> dict[str, Any]:
        """Write down what it is made of."""
        return {"cron": self._expression, "timezone": self._timezone.name}

    def localize_partition_datetime(self, moment: dt.datetime) -> pendulum.DateTime:
        """Take the bounds of a range in UTC: partitions are days there, whatever the cron's zone."""
        return pendulum.instance(moment, tz="UTC").in_timezone("UTC")

    def iter_partition_dagrun_infos(self, *, earliest: dt.datetime, latest: dt.datetime) -> Iterable[DagRunInfo]:
        """Yield a run for each day that begins and is over in the range, and is over by now."""
        end = min(self.localize_partition_datetime(latest), pendulum.now("UTC"))
        begin = self.localize_partition_datetime(earliest)
        day = begin.start_of("day")
        day = day if day == begin else day + DAY
        while day + DAY <= end:
            yield DagRunInfo(
                run_after=day + DAY, data_interval=None, partition_date=day, partition_key=self._format_key(day)
            )
            day += DAY

    def _get_partition_date(self, *, run_date: pendulum.DateTime) -> pendulum.DateTime:
        """Return the beginning of the last day that is over."""
        return run_date.in_timezone("UTC").start_of("day") - DAY

    def _format_key(self, partition_date: pendulum.DateTime) -> str:
        return partition_date.in_timezone("UTC").strftime(KEY)

    def _decode_partition_date(self, partition_key: str) -> dt.datetime:
        try:
            return dt.datetime.strptime(partition_key, KEY).replace(tzinfo=dt.UTC)
        except ValueError:
            raise InvalidPartitionKeyError(f"{partition_key!r} is no day: give one as 2013-01-31") from None
