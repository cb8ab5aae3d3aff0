"""Distances between two tables."""

from __future__ import annotations

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
    found, _ = drift_report.compare(ours, theirs, ["x"], ["c", "d"], {"x": 0.1, "c": 0.1, "d": 0.1})
    assert distances.between(ours, theirs, ["x"], ["c", "d"]) == pytest.approx(
        {each.column: each.distance for each in found}
    )
