"""Answers are shifted after what labelled days have shown, by no more than they tell."""

from __future__ import annotations

import math
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.training import intercept
from ratchet.training.intercept import Sums
from ratchet.training.metrics import row_losses

DAYS = [f"2013-01-{day:02}" for day in range(1, 31)]
SHARES = st.floats(0.001, 0.999)


def _loop(task: str, loss: str) -> Loop:
    loop = catalog.load("flight_delays")
    return loop.model_copy(update={"task": task, "gate": loop.gate.model_copy(update={"loss": loss})})


def test_it_is_learnt_from_days_that_were_known_and_not_seen() -> None:
    found = intercept.learnt_from(DAYS, "2013-01-10", "2013-01-20", delay=2, most=5)
    assert found == ["2013-01-14", "2013-01-15", "2013-01-16", "2013-01-17", "2013-01-18"]
    assert intercept.learnt_from(DAYS, "2013-01-16", "2013-01-20", delay=2, most=5) == found[3:]
    assert intercept.learnt_from(DAYS, "2013-01-18", "2013-01-20", delay=2, most=5) == []
    # A day teaches nothing of itself, though its labels come with it.
    assert intercept.learnt_from(DAYS, "2013-01-10", "2013-01-20", delay=0, most=2) == ["2013-01-18", "2013-01-19"]
    assert intercept.learnt_from([day for day in DAYS if day != found[2]], "2013-01-10", "2013-01-20", 2, 5) == [
        *found[:2],
        *found[3:],
    ]
    assert intercept.learnt_from(DAYS, "2013-01-10", "2013-01-20", delay=2, most=0) == []


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_mean_answer_comes_near_the_mean_target_the_nearer_the_more_days_say_so(task: Any) -> None:
    said, days = np.full(100, 0.2), [Sums(100, (30.0,), (20.0,)), Sums(0, (0.0,), (0.0,))]
    told = [intercept.add(task, said, intercept.learn(task, days * n)).mean() for n in (1, 7, 21)]
    assert told == pytest.approx([0.2 + 0.1 * n / (n + 7) for n in (1, 7, 21)])
    assert intercept.learn(task, []) == ()
    assert intercept.learn(task, days[1:]) == ()
    assert intercept.add(task, said, ()) is said


def test_classes_come_near_their_shares() -> None:
    said = np.tile([0.5, 0.3, 0.2], (100, 1))
    days = [Sums(100, (20.0, 30.0, 50.0), (50.0, 30.0, 20.0))] * 7
    told = intercept.add("multiclass", said, intercept.learn("multiclass", days))
    assert told.mean(axis=0) == pytest.approx([0.35, 0.3, 0.35])
    assert told.sum(axis=1) == pytest.approx(1.0)


@hypothesis.given(st.integers(1, 40), st.floats(0.1, 10))
def test_where_nothing_moves_it_adds_a_28th_of_the_variance_of_the_days_at_most(days: int, deviation: float) -> None:
    levels = np.random.default_rng(days).normal(0, deviation, (4000, days))
    shifts = [intercept.learn("regression", [Sums(1, (level,), (0.0,)) for level in drawn])[0] for drawn in levels]
    assert np.var(shifts) <= 1.15 * deviation**2 / 28


@hypothesis.given(st.lists(st.tuples(st.integers(1, 500), SHARES, SHARES), min_size=1, max_size=21))
@hypothesis.example([(1, 0.001, 0.0010000000000000002)])
def test_it_goes_no_further_than_the_days_have_shown(days: list[tuple[int, float, float]]) -> None:
    told = [Sums(rows, (rows * target,), (rows * said,)) for rows, target, said in days]
    found = intercept.learn("binary", told)
    rows = sum(each.rows for each in told)
    target, said = (sum(each.target[0] for each in told) / rows, sum(each.said[0] for each in told) / rows)
    if found:
        most = math.log(target / (1 - target)) - math.log(said / (1 - said))
        assert abs(found[0]) <= abs(most) + 1e-9
        assert abs(most) < 1e-12 or math.copysign(1, found[0]) == math.copysign(1, most)  # rounded, it has no direction


@hypothesis.given(st.lists(SHARES, min_size=1, max_size=20), st.floats(-5, 5))
def test_probabilities_stay_probabilities_in_their_order(said: list[float], shift: float) -> None:
    values = np.sort(np.array([0.0, *said, 1.0]))
    told = intercept.add("binary", values, (shift,))
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert (np.diff(told) >= 0).all()
    odds = np.log(told[1:-1] / (1 - told[1:-1])) - np.log(values[1:-1] / (1 - values[1:-1]))
    assert odds == pytest.approx(shift, abs=1e-6)


def test_absolute_errors_are_shifted_by_the_median() -> None:
    loop = _loop("regression", "absolute_error")
    target = np.array([1.0, 1.1, 0.9, 100.0])
    days = [intercept.sums(loop, target, np.zeros(4))] * 3
    assert intercept.learn("regression", days) == (pytest.approx(1.05 * 3 / 10),)
    losses = [row_losses("absolute_error", target, np.full(4, each)).mean() for each in (1.05, target.mean())]
    assert losses[0] < losses[1]


def test_rows_that_say_nothing_are_left_out() -> None:
    loop = _loop("multiclass", "log_loss")
    found = intercept.sums(loop, np.array([0.0, 1.0, -1.0]), np.array([[0.5, 0.5], [0.2, 0.8], [0.5, 0.5]]))
    assert found == Sums(2, (1.0, 1.0), (0.7, 1.3))
    loop = _loop("binary", "log_loss")
    assert intercept.sums(loop, np.array([1.0, 0.0, np.nan]), np.array([np.nan, 0.25, 0.5])) == Sums(1, (0.0,), (0.25,))


def test_words() -> None:
    assert intercept.words((0.0312,)) == "+0.031"
    assert intercept.words((0.1, -0.25)) == "+0.100, -0.250"
    assert intercept.words((-0.0001, 0.0)) == "0.000, 0.000"
    assert intercept.words(()) == ""
