"""Days, and ranges of days."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ratchet import partitions
from ratchet.errors import RequestError

OTHER = ["20130201", "2013-W05-5", " 2013-02-01", "2013-02-01\n", "٢٠١٣-٠٢-٠١", "0001-01-01..9999-12-31"]  # spellings


@given(st.dates(), st.integers(0, 60))
def test_a_range_is_its_days(first: dt.date, count: int) -> None:
    if first > dt.date(9999, 10, 1):
        return
    last = first + dt.timedelta(days=count)
    days = partitions.parse(f"{first}..{last}")
    assert len(days) == count + 1
    assert days == sorted(days)
    assert partitions.days_between(days[0], days[-1]) == count


@pytest.mark.parametrize("text", ["", "2013", "2013-02-30", "2013-01-02..2013-01-01", "x..y", "2013-01-01..", *OTHER])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        partitions.parse(text)


@given(st.dates(dt.date(1, 1, 8)), st.integers(-60, 0))
def test_days_are_counted_both_ways_and_weeks_begin_on_monday(day: dt.date, back: int) -> None:
    text = day.isoformat()
    if day.toordinal() + back > 0:
        assert partitions.days_between(partitions.shift(text, back), text) == -back
    monday = partitions.week(text)
    assert dt.date.fromisoformat(monday).weekday() == 0
    assert 0 <= partitions.days_between(monday, text) < 7


def test_what_is_asked_for_has_come_and_is_not_too_much() -> None:
    asked = TypeAdapter(partitions.Days)
    today = dt.datetime.now(dt.UTC).date()
    for text in (str(today), "2013-01-01..2013-01-31", f"{today - dt.timedelta(days=partitions.LONGEST - 1)}..{today}"):
        assert asked.validate_python(text) == text
    for text, why in (
        (str(today + dt.timedelta(days=2)), "has not come yet"),
        (f"{today - dt.timedelta(days=partitions.LONGEST)}..{today}", "are 3,661 days"),
    ):
        with pytest.raises(ValidationError, match=why):
            asked.validate_python(text)
    with pytest.raises(ValidationError, match="is a range: give one day"):
        TypeAdapter(partitions.Partition).validate_python("2013-01-01..2013-01-02")
