"""The interval of two policies' difference holds where they differ in spells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.replay import interval

NIGHTS, LIVES = 306, 2000


def _lives(spell: int) -> NDArray[np.float64]:
    """Draw differences that stay for a spell, beside noise of each night; on average they are nothing."""
    rng = np.random.default_rng(spell)
    levels = rng.standard_normal((LIVES, NIGHTS // spell + 2))
    places = (np.arange(NIGHTS) + rng.integers(0, spell, (LIVES, 1))) // spell
    return np.asarray(np.take_along_axis(levels, places, axis=1) + 0.5 * rng.standard_normal((LIVES, NIGHTS)))


@pytest.mark.parametrize("spell", [1, 7, 21])
def test_it_holds_the_mean_in_95_of_100_lives_and_is_hardly_wider_than_if_the_spells_were_known(spell: int) -> None:
    lives = _lives(spell)
    found = np.array([interval.of_mean(each, np.ones(NIGHTS), 0.05) for each in lives])
    assert ((found[:, 1] <= 0) & (found[:, 2] >= 0)).mean() >= 0.93
    known = 2 * 1.96 * lives.mean(axis=1).std()
    assert (found[:, 2] - found[:, 1]).mean() <= 1.3 * known


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.1, 9)), min_size=3, max_size=200), st.floats(0.001, 0.5))
def test_it_lies_around_the_weighted_mean_and_narrows_with_its_level(
    pairs: list[tuple[float, float]], level: float
) -> None:
    values, weights = np.array(pairs).T
    mean, low, high = interval.of_mean(values, weights, level)
    assert mean == pytest.approx(np.average(values, weights=weights), abs=1e-12)
    assert high - mean == pytest.approx(mean - low, abs=1e-9)
    _, lower, higher = interval.of_mean(values, weights, level / 2)
    assert lower <= low + 1e-12
    assert higher >= high - 1e-12
    scaled = interval.of_mean(3 * values + 1, 2 * weights, level)
    assert scaled == pytest.approx([3 * each + 1 for each in (mean, low, high)], abs=1e-6)


def test_of_two_nights_nothing_is_said() -> None:
    assert all(map(math.isnan, interval.of_mean(np.zeros(2), np.ones(2), 0.05)))
