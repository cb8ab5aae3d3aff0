"""The bench's capital over many lives is the duel's own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import capital
from ratchet.decisions import duel
from tests.given.clusters import days

CASES = [
    (margin, bound, spread, debt)
    for margin, bound in ((0.0, 0.05), (0.01, 0.05), (0.02, 0.05), (0.02, 0.15), (-0.02, 0.05))
    for spread in (0.002, 0.0079, 0.06)
    for debt in (0.0, -1.5)
]


@pytest.mark.parametrize(("margin", "bound", "spread", "debt"), CASES)
def test_it_is_that_of_the_duel(margin: float, bound: float, spread: float, debt: float) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(rng.uniform(-0.03, 0.03, (8, 1)), spread, (8, 60))
    rival, champion = capital.curves(values, margin=margin, bound=bound, debt=debt)
    left = capital.owed(values, margin=margin, bound=bound, debt=debt)
    for life, row in enumerate(values.tolist()):
        told = duel.curve(days(row), margin=margin, bound=bound, debt=debt)
        assert np.allclose([rival[life], champion[life]], np.transpose(told), rtol=0, atol=1e-9)
        assert left[life] == pytest.approx(duel.owed(days(row), margin=margin, bound=bound, debt=debt), abs=1e-9)


def test_without_a_day_what_was_owed_is_owed() -> None:
    nothing = np.empty((2, 0))
    for debt in (0.0, -2.0):
        assert capital.owed(nothing, margin=0.02, bound=0.05, debt=debt).tolist() == [debt, debt]
        assert duel.owed([], margin=0.02, bound=0.05, debt=debt) == debt


def test_it_decides_on_the_day_that_the_duel_does() -> None:
    values = np.random.default_rng(1).normal(-0.004, 0.0079, (20, 40))
    rival, _ = capital.curves(values, margin=0.02, bound=0.05)
    for life, day in enumerate(capital.decided(rival, 0.05)):
        judged = [
            duel.judge(days(values[life, : n + 1].tolist()), margin=0.02, bound=0.05, level=0.05) for n in range(40)
        ]
        promoted = [n for n, each in enumerate(judged, 1) if each.verdict == "promote"]
        assert day == min(promoted, default=math.inf)


def test_duels_of_several_margins_go_on_side_by_side() -> None:
    values = np.random.default_rng(2).normal(0, 0.0079, (3, 20))
    held = capital.begin((3, 2), 0.05)
    for i in range(20):
        capital.bet(held, values[:, i, None], np.array([0.02, 0.0]), 0.05)
    for j, margin in enumerate((0.02, 0.0)):
        rival, champion = capital.curves(values, margin=margin, bound=0.05)
        assert np.allclose(capital.log(held.rival)[:, j], rival[:, -1], rtol=0, atol=1e-12)
        assert np.allclose(capital.log(held.champion)[:, j], champion[:, -1], rtol=0, atol=1e-12)
