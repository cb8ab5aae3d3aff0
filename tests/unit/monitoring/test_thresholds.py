"""Thresholds of drift, calibrated to a stated number of false alarms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ratchet.monitoring import distances, thresholds
from ratchet.monitoring.histograms import Cells
from tests.given import counted


def _days(rng: np.random.Generator, days: int, rows: int, spread: float, alike: float = 0.0) -> tuple[np.ndarray, ...]:
    """Rows whose days have a mean of their own, as weather gives them; each day's is like the day before's."""
    means = rng.normal(size=days)
    for day in range(1, days):
        means[day] = alike * means[day - 1] + math.sqrt(1 - alike**2) * means[day]
    index = np.repeat(np.arange(days), rows)
    return rng.normal(size=days * rows) + spread * means[index], index


def _alarms(days: int, alike: float, lives: int, asked: float = 2, came: int = 7) -> tuple[float, float]:
    """Live unchanged years of windows of so many days that came, after so many days of training.

    Returns the nights a year with an alarm: by thresholds for the days that came, and by those for seven days.
    """
    found = []
    for life in range(lives):
        rng, numbers, categories = np.random.default_rng(life), {}, {}
        for name in "abcd":
            numbers[name], index = _days(rng, days + 365 + came, 40, 0.5, alike)
        categories["levels"] = rng.integers(0, 50, len(index))
        counts = counted.of(numbers, categories, index)
        limits = thresholds.calibrate(counted.part(counts, 0, days), 7, asked, 0).thresholds
        past, windows = np.zeros((1, days + 365 + came)), np.zeros((365, days + 365 + came))
        past[0, :days] = 1
        for night in range(365):
            windows[night, days + night : days + night + came] = 1
        seen = {name: thresholds.profile_of(counts[name]).between(windows, past) for name in limits}
        held = thresholds.widened(limits, 7, came, days), limits
        found.append([np.any([seen[name] >= at[name] for name in seen], axis=0).sum() for at in held])
    wider, standing = np.mean(found, axis=0).tolist()
    return wider, standing


@pytest.mark.parametrize("days", [30, 365])
def test_unchanged_years_have_no_more_alarms_than_were_asked_for_at_any_age(days: int) -> None:
    """At one year of history a category needed four times the distance that was right, and drift went blind."""
    assert _alarms(days, 0.0, 12)[0] <= 2


def test_days_that_resemble_the_day_before_are_not_drift() -> None:
    """By thresholds of drawn days alone such years had 55 to 90."""
    assert _alarms(365, 0.5, 8)[0] <= 5


def test_the_threshold_of_a_year_is_near_that_of_endless_history() -> None:
    rng = np.random.default_rng(0)
    values, days = _days(rng, 365, 60, 0.5)
    levels = rng.integers(0, 105, len(values))
    limits = thresholds.calibrate(counted.of({"x": values}, {"c": levels}, days), 7, 2, 0).thresholds
    shares = np.bincount(levels) / len(levels)
    truth = []
    for first in range(0, 358, 2):
        mine = (days >= first) & (days < first + 7)
        ours = np.bincount(levels[mine], minlength=105) / mine.sum()
        middle = (ours + shares) / 2
        truth.append(math.sqrt((stats.entropy(ours, middle) + stats.entropy(shares, middle)) / 2))
    assert max(truth) < limits["c"] < 1.3 * max(truth)


@pytest.mark.parametrize("came", [4, 5, 6])
def test_a_window_of_fewer_days_keeps_the_promise_by_wider_thresholds(came: int) -> None:
    wider, standing = _alarms(120, 0.0, 12, asked=12, came=came)
    assert wider <= 12
    assert standing > wider + 4


def test_thresholds_stand_for_as_many_days_as_they_were_calibrated_to() -> None:
    limits = {"x": 0.2, "y": 0.07}
    assert thresholds.widened(limits, 7, 7) == thresholds.widened(limits, 7, 9) == limits
    assert thresholds.widened(limits, 8, 2) == {"x": 0.4, "y": 0.14}
    assert thresholds.widened({"x": 1.0}, 8, 2, 8)["x"] == pytest.approx(math.sqrt((1 / 2 + 1 / 8) / (2 / 8)))


def test_a_shift_beyond_the_days_own_spread_is_seen() -> None:
    rng = np.random.default_rng(1)
    values, days = _days(rng, 40, 100, 0.1)
    threshold = thresholds.calibrate(counted.of({"x": values}, {}, days), 7, 2, 0).thresholds["x"]
    assert distances.values(values[:700] + 1.0, values) > threshold


@pytest.mark.parametrize("values", [np.full(50, np.nan), np.ones(50), np.r_[np.nan, np.ones(49)]])
def test_a_column_without_spread_has_a_threshold(values: np.ndarray) -> None:
    counts = counted.of({"x": values}, {"c": np.zeros(50)}, np.arange(50) % 5)
    found = thresholds.calibrate(counts, 3, 2, 0).thresholds
    assert set(found) == {"x", "c"}
    assert all(threshold >= thresholds.LEAST for threshold in found.values())


def test_a_single_day_is_calibrated_to_the_least() -> None:
    counts = counted.of({"x": np.arange(9.0)}, {}, np.zeros(9))
    assert thresholds.calibrate(counts, 7, 2, 0).thresholds == {"x": thresholds.LEAST}
    assert thresholds.calibrate({}, 7, 2, 0).thresholds == {}


def test_a_column_that_only_grows_is_named_and_held_to_no_threshold() -> None:
    rng = np.random.default_rng(3)
    values, days = _days(rng, 60, 50, 0.5)
    numbers = {"serial": np.arange(len(values)) + rng.normal(0, 30, len(values)), "age": -days, "x": values}
    found = thresholds.calibrate(counted.of(numbers, {}, days), 7, 2, 0)
    assert found.growing == ("serial", "age")
    assert set(found.thresholds) == {"x"}


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
def test_a_column_that_wanders_does_not_grow(alike: float) -> None:
    grown = 0
    for seed in range(60):
        values, days = _days(np.random.default_rng(seed), 30, 20, 1.0, alike)
        cells = counted.of({"x": values}, {}, days)["x"]
        assert isinstance(cells, Cells)
        grown += thresholds.grows(cells)
    assert grown == 0


def test_the_alarms_of_unchanged_years_are_those_that_were_asked_for() -> None:
    rng = np.random.default_rng(2)
    values, days = _days(rng, 90, 100, 0.5)
    counts = counted.of({"x": values}, {"c": rng.integers(0, 100, size=len(values))}, days)
    limits = thresholds.calibrate(counts, 7, 6, 0).thresholds
    fixed = {"x": 0.1, "c": 0.1}
    rules = {"ours": (limits, 0.0), "fixed": (fixed, 0.0), "half": (fixed, 0.5)}
    found = thresholds.alarms(counts, 7, rules, 60, 1)
    assert found["ours"].mean() < 6 + 3 * found["ours"].std() / math.sqrt(60) + 1
    assert found["fixed"].mean() > 100  # a category of a hundred levels, every week
    assert (found["half"] <= found["fixed"]).all()
