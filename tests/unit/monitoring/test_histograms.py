"""Counts of what is watched, a row a day."""

from __future__ import annotations

import numpy as np
import pytest

from ratchet.monitoring import histograms
from ratchet.monitoring.histograms import Cells, Levels
from tests.given import counted


def test_counts_and_sums_are_those_of_the_values() -> None:
    rng = np.random.default_rng(0)
    values, days = rng.lognormal(size=5000), rng.integers(0, 4, 5000)
    values[:50] = np.nan
    found = counted.of({"x": values}, {"c": days % 3}, days)
    cells, levels = found["x"], found["c"]
    assert isinstance(cells, Cells)
    assert isinstance(levels, Levels)
    for day in range(4):
        ours = values[(days == day) & ~np.isnan(values)]
        assert cells.rows[day].sum() == len(ours)
        assert cells.sums[day].sum() == pytest.approx((ours - cells.middle).sum())
    assert (cells.low, cells.high) == (np.nanmin(values), np.nanmax(values))
    assert cells.spread == pytest.approx(np.nanstd(values))
    assert cells.total().rows.max() <= 5000 / len(cells.cuts) + 2  # as many in each as can be
    assert levels.levels == ("0", "1", "2")
    assert levels.rows.tolist() == [[(days == d).sum() if d % 3 == k else 0 for k in range(3)] for d in range(4)]
    assert levels.total().rows.sum() == 5000


def test_few_values_have_a_cell_each() -> None:
    assert histograms.cuts(np.array([3.0, 1.0, np.nan, 1.0, 2.0])).tolist() == [1, 2, 3]
    assert len(histograms.cuts(np.arange(1e5))) == histograms.CELLS
    assert histograms.cuts(np.full(4, np.nan)).tolist() == [0]


def test_days_that_were_counted_apart_are_those_counted_together() -> None:
    rng = np.random.default_rng(1)
    values, days = rng.normal(size=900), np.repeat(np.arange(3), 300)
    levels = np.where(days == 2, "late", rng.choice(["a", "b"], 900))
    cuts = {"x": histograms.cuts(values)}
    whole = counted.of({"x": values}, {"c": levels}, days, cuts)
    apart = (days < 1, days == 1, days > 1)
    parts = [counted.of({"x": values[mine]}, {"c": levels[mine]}, days[mine], cuts) for mine in apart]
    joined = histograms.joined(parts)
    for name in ("x", "c"):
        assert (joined[name].rows == whole[name].rows).all()
    assert isinstance(joined["x"], Cells)
    assert isinstance(whole["x"], Cells)
    assert (joined["x"].low, joined["x"].spread) == (whole["x"].low, whole["x"].spread)
    assert histograms.joined([]) == {}


def test_a_day_without_values_counts_none() -> None:
    values = np.array([np.nan, np.nan, 1.0, 2.0])
    found = counted.of({"x": values}, {}, np.array([0, 0, 1, 1]))["x"]
    assert found.rows.sum(axis=1).tolist() == [0, 2]
    empty = counted.of({"x": values[:2]}, {}, np.array([0, 0]))["x"]
    assert isinstance(empty, Cells)
    assert np.isnan(empty.low)
    assert empty.spread == 0
