"""Two tables compared by Evidently, at thresholds that are given."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ratchet.adapters import drift_report
from ratchet.monitoring import distances, histograms
from tests.given import counted

LIMITS = {"x": 0.1, "gone": 0.1, "c": 0.1}


def _frame(shift: float, level: str) -> pd.DataFrame:
    x = np.random.default_rng(0).normal(shift, 2, 400)
    x[:9] = np.nan
    return pd.DataFrame(
        {
            "x": x,
            "gone": np.nan if shift else x,
            "c": [level, "</script><script>window.done = 1</script>"] * 50 + ["a", "b", "c"] * 100,
        }
    )


def test_evidently_says_of_a_column_what_the_nights_own_distances_say() -> None:
    ours, theirs = _frame(1.0, "a"), _frame(0.0, "a")
    page, text = drift_report.make(ours, theirs, ["x", "gone"], ["c"], LIMITS)
    assert page.lstrip().startswith("<")
    assert "window.done" in page
    assert "<script>window.done" not in page
    metrics = {each["config"]["column"]: each["value"] for each in json.loads(text)["metrics"]}
    numbers = {name: theirs[name].to_numpy() for name in ("x", "gone")}
    cuts = {name: histograms.cuts(values) for name, values in numbers.items()}
    reference = counted.of(numbers, {"c": theirs["c"].to_numpy()}, np.zeros(len(theirs)), cuts)
    numbers = {name: ours[name].to_numpy() for name in numbers}
    current = counted.of(numbers, {"c": ours["c"].to_numpy()}, np.zeros(len(ours)), cuts)
    own = distances.judged(current, reference, LIMITS, lambda name: distances.values(ours[name], theirs[name]))
    assert metrics == pytest.approx({each.column: each.distance for each in own}, abs=2e-3)
    assert [(each.column, each.drifted) for each in own] == [("x", True), ("c", False)]
