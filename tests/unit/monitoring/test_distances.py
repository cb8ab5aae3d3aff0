"""Distances between two tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ratchet.adapters import drift_report
from ratchet.monitoring import distances, histograms
from ratchet.monitoring.histograms import Cells, Levels
from tests.given import counted

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-5, 5).map(float) | st.just(float("nan"))
COLUMN = arrays(float, st.integers(1, 60), elements=FINITE)


def _sides(
    ours: pd.DataFrame, theirs: pd.DataFrame, numbers: list[str], categories: list[str]
) -> list[dict[str, Cells | Levels]]:
    cuts = {name: histograms.cuts(theirs[name].to_numpy(dtype=float)) for name in numbers}
    return [
        counted.of(
            {name: side[name].to_numpy() for name in numbers},
            {name: side[name].to_numpy() for name in categories},
            np.zeros(len(side)),
            cuts,
        )
        for side in (ours, theirs)
    ]


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
    current, reference = _sides(ours, theirs, ["x"], ["c", "d"])
    least, most = distances.between(current["x"], reference["x"]) or (9.0, 0.0)
    assert least - 1e-9 <= found["x"] <= most + 1e-9 <= least + 0.01
    assert distances.values(ours["x"].to_numpy(), theirs["x"].to_numpy()) == pytest.approx(found["x"])
    for name in ("c", "d"):
        assert distances.between(current[name], reference[name]) == pytest.approx((found[name], found[name]))


@given(
    arrays(float, st.integers(1, 60), elements=FINITE), arrays(float, st.integers(1, 60), elements=FINITE), st.data()
)
def test_a_distance_lies_within_the_bounds_that_counts_give_whatever_the_cuts(
    ours: np.ndarray, theirs: np.ndarray, data: st.DataObject
) -> None:
    there = theirs[~np.isnan(theirs)]
    cuts = histograms.cuts(theirs)
    kept = data.draw(st.lists(st.sampled_from(cuts.tolist()), min_size=1, unique=True).map(sorted))
    current, reference = (
        counted.of({"x": side}, {}, np.zeros(len(side)), {"x": np.array(kept)})["x"] for side in (ours, theirs)
    )
    bounds = distances.between(current, reference)
    if not len(there) or np.isnan(ours).all():
        assert bounds is None
        return
    assert isinstance(reference, Cells)
    scale = max(np.abs(there).max(), np.nanmax(np.abs(ours))) / max(reference.spread, distances.LEAST_SPREAD)
    exact, slack = distances.values(ours, theirs), 1e-9 * (1 + scale)
    assert bounds is not None
    assert bounds[0] - slack <= exact <= bounds[1] + slack


@pytest.mark.parametrize("draw", ["normal", "lognormal", "poisson", "uniform"])
def test_the_bounds_of_many_rows_are_narrow(draw: str) -> None:
    """Those that docs/policies.md states: 0.01 of a standard deviation, 0.02 where the values are far from even."""
    rng = np.random.default_rng(3)
    ours, theirs = (getattr(rng, draw)(*((3.0,) if draw == "poisson" else ()), size=50_000) for _ in range(2))
    cuts = {"x": histograms.cuts(theirs[:20_000].astype(float))}
    current, reference = (counted.of({"x": side}, {}, np.zeros(len(side)), cuts)["x"] for side in (ours, theirs))
    least, most = distances.between(current, reference) or (0.0, 9.0)
    assert most - least < (0.02 if draw == "lognormal" else 0.01)


def test_of_whole_numbers_nothing_is_left_open() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.integers(0, 90, 3000).astype(float), rng.integers(0, 80, 3000).astype(float)
    cuts = {"x": histograms.cuts(theirs)}
    current, reference = (counted.of({"x": side}, {}, np.zeros(3000), cuts)["x"] for side in (ours, theirs))
    bounds = distances.between(current, reference)
    assert bounds == pytest.approx((distances.values(ours, theirs),) * 2, rel=1e-3)


def test_a_distance_is_held_to_the_threshold_of_its_column_and_at_it_is_drift() -> None:
    ours = pd.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["a", "a", "b"]})
    theirs = pd.DataFrame({"x": [0.0, 1.0, 2.0], "c": ["a", "b", "b"]})
    current, reference = _sides(ours, theirs, ["x"], ["c"])
    found = {"x": distances.values(ours["x"].to_numpy(), theirs["x"].to_numpy())}
    found["c"] = distances.jensenshannon(current["c"], reference["c"]) or 0.0
    limits = {"x": found["x"], "c": found["c"] * 1.001}
    judged = distances.judged(current, reference, limits, found.__getitem__)
    assert [(each.column, each.distance, each.threshold, each.drifted) for each in judged] == [
        ("x", found["x"], limits["x"], True),
        ("c", found["c"], limits["c"], False),
    ]


def test_the_values_are_asked_where_counts_cannot_decide_and_nowhere_else() -> None:
    rng = np.random.default_rng(5)
    ours, theirs = (pd.DataFrame({"x": rng.normal(size=4000)}) for _ in range(2))
    current, reference = _sides(ours, theirs, ["x"], [])
    least, most = distances.between(current["x"], reference["x"]) or (0.0, 0.0)
    asked: list[str] = []

    def exact(name: str) -> float:
        asked.append(name)
        return distances.values(ours[name].to_numpy(), theirs[name].to_numpy())

    for threshold in (least * 0.99, most * 1.01):
        distances.judged(current, reference, {"x": threshold}, exact)
    assert asked == []
    truth = exact("x")
    for threshold in (truth - 1e-6, truth + 1e-6):
        assert distances.judged(current, reference, {"x": threshold}, exact)[0].drifted == (truth >= threshold)
    assert asked == ["x", "x", "x"]


def test_a_number_without_a_value_on_one_side_is_left_out() -> None:
    ours, theirs = pd.DataFrame({"x": [np.nan, np.nan]}), pd.DataFrame({"x": [1.0, 2.0]})
    for sides in ((ours, theirs), (theirs, ours)):
        current, reference = _sides(*sides, ["x"], [])
        assert distances.judged(current, reference, {"x": 0.1}, lambda name: 0.0) == []
