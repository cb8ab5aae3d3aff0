"""How much of a night's window is there: rest is no gap, and a day of which nobody heard is told."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.loop import Schedule
from ratchet.contract.resting import days_of_rest
from ratchet.contract.rules import Retrain
from ratchet.decisions import coverage, requests, retrain
from ratchet.decisions.coverage import Coverage
from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.decisions.policies import drift
from ratchet.partitions import parse, shift
from tests.given.facts import facts

FOUR_WEEKS = parse("2013-02-04..2013-03-03")  # from a Monday to a Sunday
HISTORY = parse("2013-01-21..2013-02-03")
WEEKDAYS = [day for day in HISTORY + FOUR_WEEKS if dt.date.fromisoformat(day).weekday() < 5]


def _verdict(day: str, status: Any) -> DeliveryVerdict:
    return DeliveryVerdict(partition=day, delivery="", status=status, reason=f"{day} was {status}", tables={})


def _weigh(night: str, schedule: Schedule, verdicts: dict[str, DeliveryVerdict], window: int = 7) -> retrain.Admission:
    """Decide on a night whose columns have drifted."""
    known = {day: verdict for day, verdict in verdicts.items() if day <= night}
    came = sorted(day for day, verdict in known.items() if verdict.status == "accepted")
    resting = days_of_rest(schedule, shift(night, 1 - window), night)
    found = coverage.of_window(came, known, resting, night, window)
    known_facts = facts(
        partition=night,
        drifted=["temp"],
        drift_days=found.came,
        drift_window=found.expected,
        never_came=found.never,
        bad_data=requests.bad_data(known, night, window),
    )
    return retrain.decide(known_facts, Retrain(), {"drift": partial(drift.ask, options=drift.Options())})


@pytest.mark.parametrize("told", ["by its calendar", "by its source"])
def test_a_loop_of_weekdays_hears_its_alarm_on_every_night(told: str) -> None:
    """It was vetoed, or never asked: five days of seven were not the whole window."""
    schedule = Schedule(calendar="weekdays") if told == "by its calendar" else Schedule()
    verdicts = {day: _verdict(day, "accepted") for day in WEEKDAYS}
    if told == "by its source":
        verdicts |= {day: _verdict(day, "empty") for day in HISTORY + FOUR_WEEKS if day not in verdicts}
    for night in (day for day in FOUR_WEEKS if day in WEEKDAYS):
        found = _weigh(night, schedule, verdicts)
        assert (found.verdict, found.reason) == (
            "retrain",
            "drift: 1 column beyond the calibrated threshold (temp), on 5 of 5 days",
        )


def test_one_missed_night_is_told_and_does_not_silence_the_week_after_it() -> None:
    verdicts = {day: _verdict(day, "accepted") for day in HISTORY + FOUR_WEEKS if day != "2013-02-12"}
    for night in parse("2013-02-13..2013-02-18"):
        found = _weigh(night, Schedule(), verdicts)
        assert found.verdict == "retrain"
        assert "on 6 of 7 days. 1 of 7 days of the window never came: 2013-02-12" in found.reason
    assert "never came" not in _weigh("2013-02-19", Schedule(), verdicts).reason


def test_a_refused_day_is_bad_data_and_not_one_that_never_came() -> None:
    verdicts = {day: _verdict(day, "accepted") for day in HISTORY} | {HISTORY[-2]: _verdict(HISTORY[-2], "rejected")}
    found = _weigh(HISTORY[-1], Schedule(), verdicts)
    assert found.verdict == "veto"
    assert "never came" not in found.reason


def test_less_than_half_a_window_is_told_and_asks_for_nothing() -> None:
    verdicts = {day: _verdict(day, "accepted") for day in [*HISTORY[:5], HISTORY[-1]]}
    found = _weigh(HISTORY[-1], Schedule(), verdicts)
    days = "2013-01-28, 2013-01-29, 2013-01-30, 2013-01-31, 2013-02-01, …"
    assert (found.verdict, found.reason) == (
        "wait",
        f"{retrain.NOTHING}. 6 of 7 days of the window never came: {days}",
    )


def test_before_the_first_day_of_all_nothing_was_expected() -> None:
    found = coverage.of_window(HISTORY[:3], {day: _verdict(day, "accepted") for day in HISTORY[:3]}, (), HISTORY[2], 7)
    assert found == Coverage(3, 3, ())
    assert coverage.of_window([], {}, (), HISTORY[2], 7) == Coverage(0, 0, ())


@given(
    st.lists(st.sampled_from(["accepted", "empty", "rejected", "never"]), min_size=1, max_size=20),
    st.sets(st.integers(0, 19)),
    st.integers(1, 12),
)
def test_each_day_of_a_window_is_one_thing(states: list[str], rest: set[int], window: int) -> None:
    days = [shift("2013-01-01", n) for n in range(len(states))]
    verdicts = {day: _verdict(day, state) for day, state in zip(days, states, strict=True) if state != "never"}
    came = [day for day, state in zip(days, states, strict=True) if state == "accepted"]
    resting = {shift("2013-01-01", n) for n in rest}
    found = coverage.of_window(came, verdicts, resting, days[-1], window)
    assert 0 <= found.came <= found.expected <= window
    assert not {*found.never} & ({*verdicts} | resting)
    assert found.came + len(found.never) <= found.expected
    assert (coverage.told(found.never, found.expected) == "") == (not found.never)
