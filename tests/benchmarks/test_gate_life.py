"""The loop's own looks decide the bench's year: what holds is promoted, what is damaged is not, or goes again."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.flights import Fit, Year
from benchmarks.gate_life import Life

DELAY, HOLDOUT, FIRST = 2, 7, 30
DAMAGE = 0.04


class Drawn:
    """Losses of models that differ by a day's noise; of damaged ones by DAMAGE more."""

    def told(self, model: Fit, day: int) -> np.ndarray:
        assert day > model.until
        noise = np.random.default_rng([day, model.until]).normal(0, 0.005)
        return np.full(50, 0.45 + noise + DAMAGE * model.damaged, dtype=np.float32)


@pytest.fixture
def life() -> Life:
    found = Life(cast("Year", Drawn()), DELAY)
    found.loop = found.loop.model_copy(update={"gate": found.loop.gate.model_copy(update={"slices": None})})
    found.begin(Fit(FIRST), FIRST + DELAY + HOLDOUT - 1)
    return found


def _live(life: Life, first: int, last: int, **damaged: Any) -> None:
    for night in range(first, last):
        newest = night - DELAY
        life.night(night, Fit(newest - HOLDOUT, **damaged), Fit(newest))


def test_equal_models_follow_each_other_and_damaged_ones_stay_out(life: Life) -> None:
    _live(life, 39, 60)
    assert life.promotions >= 15
    assert life.live[59].until >= 55  # the refit, which has learnt what was held out
    promoted = life.promotions
    _live(life, 60, 70, damaged=True)
    assert life.promotions <= promoted + 1  # who waited since the 60th
    assert not any(fit.damaged for fit in life.live.values())
    assert Counter(each.kind for each in life.entries)["rejected"] > 0


def test_a_bad_model_that_slips_in_goes_again_and_the_year_beside_it_knows_nothing_of_it(life: Life) -> None:
    _live(life, 39, 60)
    fork = life.fork()
    fork.slip(Fit(58, damaged=True), 60)
    assert fork.live[60].damaged
    for night in range(61, 90):
        fork.night(night, None, Fit(58))
    back = next(night for night in range(61, 90) if not fork.live[night].damaged)
    assert back <= 75
    assert fork.rollbacks == 1
    assert (life.rollbacks, max(life.live), len(life.entries) < len(fork.entries)) == (0, 59, True)
