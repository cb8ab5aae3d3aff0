"""Two tables compared by Evidently, at thresholds that are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ratchet.adapters import drift_report
from ratchet.monitoring import distances

LIMITS = {"x": 0.1, "gone": 0.1, "c": 0.1}


def _frame(shift: float, level: str) -> pd.DataFrame:
    x = np.random.default_rng(0).normal(shift, 2, 400)
    x[:9] = np.nan
    return pd.DataFrame({"x": x, "gone": np.nan if shift else x, "c": [level] * 100 + ["a", "b", "c"] * 100})


def test_what_moved_is_told_and_what_has_no_value_is_left_out() -> None:
    ours, theirs = _frame(1.0, "a"), _frame(0.0, "a")
    found, page = drift_report.compare(ours, theirs, ["x", "gone"], ["c"], LIMITS)
    assert [(each.column, each.drifted) for each in found] == [("x", True), ("c", False)]
    assert found[0].distance == pytest.approx(0.5, abs=0.03)  # a shift of 1 at a deviation of 2
    assert page.lstrip().startswith("<")
    assert {each.column: each.distance for each in found} == pytest.approx(
        distances.between(ours, theirs, ["x", "gone"], ["c"])
    )


def test_a_distance_at_its_threshold_is_drift() -> None:
    ours, theirs = _frame(0.0, "b"), _frame(0.0, "a")
    distance = distances.between(ours, theirs, [], ["c"])["c"]
    for limit, drifted in ((distance, True), (distance * 1.001, False)):
        (found,), _ = drift_report.compare(ours, theirs, [], ["c"], {"c": limit})
        assert (found.drifted, found.threshold) == (drifted, limit)
