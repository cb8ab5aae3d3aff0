"""Drawn days are of the deviation that is said, and numbers of days may be infinite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import noise


@pytest.mark.parametrize("degrees", noise.TAILS.values())
def test_days_have_the_same_spread_whatever_their_tails(degrees: int | None) -> None:
    drawn = noise.Daily(degrees=degrees).draw(np.random.default_rng(0), (400_000,))
    assert drawn.mean() == pytest.approx(0.0, abs=1e-4)
    assert drawn.std() == pytest.approx(noise.SD, rel=0.05)


def test_heavy_tails_are_those_of_student() -> None:
    drawn = noise.Daily(degrees=3).draw(np.random.default_rng(1), (400_000,)) / noise.SD * math.sqrt(3)
    assert (np.abs(drawn) > 5.841).mean() == pytest.approx(0.01, rel=0.1)  # the 99.5 % point of t with 3 degrees


def test_what_never_comes_counts_among_days() -> None:
    days = np.array([3.0, 5.0, math.inf, math.inf])
    assert noise.quantile(days, 0.5) == 5
    assert noise.days(noise.quantile(days, 0.9)) == "never"
