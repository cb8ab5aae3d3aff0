"""Distances between two tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ratchet.adapters import drift_report
from ratchet.monitoring import distances


def test_distances_are_evidentlys() -> None:
    rng = np.random.default_rng(0)

    def frame(shift: float) -> pd.DataFrame:
        numbers = rng.normal(shift, 2, 900)
        numbers[:7] = np.nan
        return pd.DataFrame(
            {"x": numbers, "c": rng.choice(list("abcdef"), 900), "d": rng.choice(["u", f"v{shift}"], 900)}
        )

    ours, theirs = frame(0.0), frame(0.4)
    _, told = drift_report.make(ours, theirs, ["x"], ["c", "d"], {"x": 0.1, "c": 0.1, "d": 0.1})
    found = {each["config"]["column"]: float(each["value"]) for each in json.loads(told)["metrics"]}
    assert distances.between(ours, theirs, ["x"], ["c", "d"]) == pytest.approx(found)


def test_a_distance_is_held_to_the_threshold_of_its_column_and_at_it_is_drift() -> None:
    ours = pd.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["a", "a", "b"]})
    theirs = pd.DataFrame({"x": [0.0, 1.0, 2.0], "c": ["a", "b", "b"]})
    found = distances.between(ours, theirs, ["x"], ["c"])
    limits = {"x": found["x"], "c": found["c"] * 1.001}
    judged = distances.judged(ours, theirs, ["x"], ["c"], limits)
    assert [(each.column, each.distance, each.threshold, each.drifted) for each in judged] == [
        ("x", found["x"], limits["x"], True),
        ("c", found["c"], limits["c"], False),
    ]
