"""What a policy came to: hindsight, differences, the worst week."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.replay import interval, score
from ratchet.replay.score import Outcome


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3), st.randoms(use_true_random=False))
def test_hindsight_is_the_least_over_all_choices(fits: int, nights: int, most: int, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    losses, rows = rng.random((fits, nights)), rng.integers(1, 5, nights).astype(float)
    found = score.hindsight(losses, rows, most)
    for count in range(most + 1):
        least = np.inf
        for chosen in itertools.product(range(fits), repeat=nights):
            switches = sum(a != b for a, b in itertools.pairwise((0, *chosen)))
            if switches <= count:
                least = min(least, sum(losses[m, n] * rows[n] for n, m in enumerate(chosen)) / rows.sum())
        assert found[count] == pytest.approx(least)
    assert all(b <= a + 1e-12 for a, b in itertools.pairwise(found))


def test_nights_without_rows_cost_nothing_whoever_was_there() -> None:
    """As those before a first champion, that has to wait in shadow: no fit has served them."""
    losses = np.array([[np.inf, np.inf, 1.0, 2.0], [np.inf, np.inf, np.inf, 1.0]])
    assert score.hindsight(losses, np.array([0.0, 0.0, 1.0, 1.0]), 1) == [1.5, 1.0]


def _outcome(losses: list[float], asked: int = 0) -> Outcome:
    nights = tuple(
        {"night": f"n{i}", "loss": loss, "rows": 10, "decided": "retrain" if i < asked else "wait"}
        for i, loss in enumerate(losses)
    )
    return Outcome("p", "contract", nights, asked, 0, 1.0, ())


def test_a_difference_has_an_interval_over_nights() -> None:
    rng = np.random.default_rng(0)
    easy, gap = rng.normal(0.5, 0.1, 300), rng.normal(0.01, 0.02, 300)
    mean, low, high = score.difference(_outcome(list(easy + gap)), _outcome(list(easy)))
    assert mean == pytest.approx(gap.mean())
    assert (mean, low, high) == pytest.approx(interval.of_mean(gap, np.full(300, 10.0), 0.05))
    assert score.difference(_outcome(list(easy + gap)), _outcome(list(easy)), 0.01)[2] > high
    assert np.isnan(score.difference(_outcome([float("nan")]), _outcome([0.5]))[0])


def test_the_worst_week_is_measured_against_the_best_of_each_night() -> None:
    bad, good = _outcome([0.5] * 10 + [0.8] * 7 + [0.5] * 10), _outcome([0.5] * 27)
    assert score.worst_week(bad, [bad, good]) == pytest.approx(0.3)
    assert score.worst_week(good, [bad, good]) == pytest.approx(0.0)
