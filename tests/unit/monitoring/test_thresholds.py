"""Thresholds of drift, calibrated to a stated number of false alarms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ratchet.monitoring import thresholds


def _days(rng: np.random.Generator, days: int, rows: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose days have a mean of their own, as weather gives them."""
    index = np.repeat(np.arange(days), rows)
    return rng.normal(size=days * rows) + spread * rng.normal(size=days)[index], index


def test_calibrated_thresholds_keep_their_promise_on_unchanged_data() -> None:
    rng = np.random.default_rng(5)
    values, days = _days(rng, 60, 200, 0.7)
    categories = rng.integers(0, 100, size=len(values))
    numbers = {f"n{i}": np.roll(values, 200 * i) for i in range(5)}
    limits = thresholds.calibrate(numbers, {"c": categories}, days, 7, 12, 0)
    alarms, nights = 0, 400
    for _ in range(nights):
        chosen = rng.integers(0, 60, size=7)
        rows = np.concatenate([np.flatnonzero(days == d) for d in chosen])
        exceeded = [stats.wasserstein_distance(v[rows], v) / v.std() >= limits[name] for name, v in numbers.items()]
        shares = [np.bincount(part, minlength=100) / len(part) for part in (categories[rows], categories)]
        middle = (shares[0] + shares[1]) / 2
        entropy = [stats.entropy(share, middle) for share in shares]
        exceeded.append(math.sqrt(sum(entropy) / 2) >= limits["c"])
        alarms += any(exceeded)
    # 12 a year are 3.3% of nights; the bound is the 99.9% quantile of a binomial of that rate.
    assert alarms <= stats.binom.ppf(0.999, nights, 12 / 365)


@pytest.mark.parametrize("came", [4, 5, 6])
def test_a_window_of_fewer_days_keeps_the_promise_by_wider_thresholds(came: int) -> None:
    rng = np.random.default_rng(7)
    values, days = _days(rng, 120, 100, 0.7)
    categories = {"c": rng.integers(0, 30, size=len(values))}
    numbers = {f"n{i}": np.roll(values, 100 * i) for i in range(4)}
    limits = thresholds.calibrate(numbers, categories, days, 7, 12, 0)
    rules = {"wider": (thresholds.widened(limits, 7, came), 0.0), "as they are": (limits, 0.0)}
    found = thresholds.alarms(numbers, categories, days, came, rules, 60, 1)
    assert found["wider"].mean() < 12 + 3 * found["wider"].std() / math.sqrt(60) + 2
    assert found["as they are"].mean() > found["wider"].mean() + 4


def test_thresholds_stand_for_as_many_days_as_they_were_calibrated_to() -> None:
    limits = {"x": 0.2, "y": 0.07}
    assert thresholds.widened(limits, 7, 7) == thresholds.widened(limits, 7, 9) == limits
    assert thresholds.widened(limits, 8, 2) == {"x": 0.4, "y": 0.14}


def test_a_shift_beyond_the_days_own_spread_is_seen() -> None:
    rng = np.random.default_rng(1)
    values, days = _days(rng, 40, 100, 0.1)
    threshold = thresholds.calibrate({"x": values}, {}, days, 7, 2, 0)["x"]
    assert stats.wasserstein_distance(values[:700] + 1.0, values) / values.std() > threshold


@pytest.mark.parametrize("values", [np.full(50, np.nan), np.ones(50), np.r_[np.nan, np.ones(49)]])
def test_a_column_without_spread_has_a_threshold(values: np.ndarray) -> None:
    found = thresholds.calibrate({"x": values}, {"c": np.zeros(50, dtype=np.int64)}, np.arange(50) % 5, 3, 2, 0)
    assert all(threshold >= thresholds.LEAST for threshold in found.values())


def test_the_alarms_of_unchanged_years_are_those_that_were_asked_for() -> None:
    rng = np.random.default_rng(2)
    values, days = _days(rng, 90, 100, 0.5)
    levels = rng.integers(0, 100, size=len(values))
    limits = thresholds.calibrate({"x": values}, {"c": levels}, days, 7, 6, 0)
    fixed = {"x": 0.1, "c": 0.1}
    found = thresholds.alarms(
        {"x": values},
        {"c": levels},
        days,
        7,
        {"ours": (limits, 0.0), "fixed": (fixed, 0.0), "half": (fixed, 0.5)},
        60,
        1,
    )
    assert found["ours"].mean() < 6 + 3 * found["ours"].std() / math.sqrt(60) + 1
    assert found["fixed"].mean() > 100  # a category of a hundred levels, every week
    assert (found["half"] <= found["fixed"]).all()
