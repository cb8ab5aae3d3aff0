"""Decisions are functions of numbers: each verdict has its evidence, and the right side of the line is the right side."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ratchet.decisions import drift, retrain


def _days(rng: np.random.Generator, days: int, rows: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose days have a mean of their own, as weather gives them."""
    index = np.repeat(np.arange(days), rows)
    return rng.normal(size=days * rows) + spread * rng.normal(size=days)[index], index


def test_calibrated_thresholds_keep_their_promise_on_unchanged_data() -> None:
    rng = np.random.default_rng(5)
    values, days = _days(rng, 60, 200, 0.7)
    categories = rng.integers(0, 100, size=len(values))
    numbers = {f"n{i}": np.roll(values, 200 * i) for i in range(5)}
    thresholds = drift.calibrate(numbers, {"c": categories}, days, 7, 12, 0)
    alarms, nights = 0, 400
    for _ in range(nights):
        chosen = rng.integers(0, 60, size=7)
        rows = np.concatenate([np.flatnonzero(days == d) for d in chosen])
        exceeded = [stats.wasserstein_distance(v[rows], v) / v.std() >= thresholds[name] for name, v in numbers.items()]
        shares = [np.bincount(part, minlength=100) / len(part) for part in (categories[rows], categories)]
        middle = (shares[0] + shares[1]) / 2
        entropy = [stats.entropy(share, middle) for share in shares]
        exceeded.append(math.sqrt(sum(entropy) / 2) >= thresholds["c"])
        alarms += any(exceeded)
    # 12 a year are 3.3% of nights; the bound is the 99.9% quantile of a binomial of that rate.
    assert alarms <= stats.binom.ppf(0.999, nights, 12 / 365)


def test_a_shift_beyond_the_days_own_spread_is_seen() -> None:
    rng = np.random.default_rng(1)
    values, days = _days(rng, 40, 100, 0.1)
    threshold = drift.calibrate({"x": values}, {}, days, 7, 2, 0)["x"]
    assert stats.wasserstein_distance(values[:700] + 1.0, values) / values.std() > threshold


@pytest.mark.parametrize("values", [np.full(50, np.nan), np.ones(50), np.r_[np.nan, np.ones(49)]])
def test_a_column_without_spread_has_a_threshold(values: np.ndarray) -> None:
    found = drift.calibrate({"x": values}, {"c": np.zeros(50, dtype=np.int64)}, np.arange(50) % 5, 3, 2, 0)
    assert all(threshold >= drift.LEAST for threshold in found.values())


def _evidence(**changes: object) -> retrain.Evidence:
    base: dict[str, object] = {
        "partition": "2013-02-10", "champion": "3", "bad_data": {}, "drifted": [], "drift_days": 7,
        "live_losses": [0.5, 0.5, 0.5], "holdout_loss": 0.5, "requested": [],
    }  # fmt: skip
    return retrain.Evidence(**{**base, **changes})  # type: ignore[arg-type]


RULES = retrain.Rules(window_days=7, harm_days=3, harm_margin=0.1, cooldown_days=5)


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "wait", "nothing asks"),
        ({"drifted": ["temp"]}, "retrain", "drift: 1 column beyond"),
        ({"drifted": ["temp"], "drift_days": 6}, "wait", "nothing asks"),
        ({"live_losses": [0.6, 0.6, 0.6]}, "retrain", "harm: live loss 0.6000"),
        ({"live_losses": [0.6, 0.6]}, "wait", "nothing asks"),
        ({"live_losses": [0.9, 0.5, 0.5, 0.5]}, "wait", "nothing asks"),
        ({"live_losses": [math.nan, 0.6, 0.6, 0.6]}, "retrain", "harm"),
        ({"live_losses": [0.6] * 3, "holdout_loss": None}, "wait", "nothing asks"),
        ({"drifted": ["temp"], "bad_data": {"2013-02-09": "rejected: x"}}, "veto", "2013-02-09: rejected: x"),
        ({"drifted": ["temp"], "requested": ["2013-02-06"]}, "wait", "Cooling down"),
        ({"drifted": ["temp"], "requested": ["2013-02-14"]}, "wait", "Cooling down"),
        ({"drifted": ["temp"], "requested": ["2013-02-05"]}, "retrain", "drift"),
        ({"bad_data": {"2013-02-09": "empty"}}, "wait", "nothing asks"),
    ],
)
def test_evidence_and_its_verdict(changes: dict[str, object], verdict: str, words: str) -> None:
    found = retrain.decide(_evidence(**changes), RULES)
    assert found.verdict == verdict
    assert words in found.reason
    assert bool(found.key) == (verdict == "retrain")


def test_the_same_evidence_has_the_same_key() -> None:
    first = retrain.decide(_evidence(drifted=["temp"]), RULES)
    again = retrain.decide(_evidence(drifted=["temp"], requested=["2013-02-10"]), RULES)
    assert first.key == again.key == "drift__v3__2013-02-10"


@given(st.permutations([f"2013-02-{d:02}" for d in range(1, 25)]))
def test_requests_keep_their_distance_in_whatever_order_nights_come(nights: list[str]) -> None:
    requested: list[str] = []
    for night in nights:
        if retrain.decide(_evidence(partition=night, drifted=["x"], requested=list(requested)), RULES).verdict == "retrain":
            requested.append(night)
    ordered = sorted(int(day[-2:]) for day in requested)
    assert all(b - a >= RULES.cooldown_days for a, b in itertools.pairwise(ordered))
