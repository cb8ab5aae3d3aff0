"""A retraining where staleness will have cost more than it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions.policies import cost_aware
from tests.given.facts import facts


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_dearer_retraining_is_asked_for_no_sooner(cheap: float, more: float) -> None:
    news = [0.02 * i for i in range(1, 60)]

    def night(cost: float) -> int:
        asked = (n for n in range(1, 60) if cost_aware.ask(facts(news=news[:n]), cost_aware.Options(cost=cost)))
        return next(asked, 99)

    assert night(cheap) <= night(cheap + more)


def test_it_asks_at_last_and_says_the_price() -> None:
    news = [0.02 * i for i in range(1, 60)]
    assert "59 stale days will have cost" in str(cost_aware.ask(facts(news=news), cost_aware.Options(cost=0.1)))
    assert cost_aware.ask(facts(news=news, holdout=[]), cost_aware.Options(cost=0.1)) is None
    assert cost_aware.ask(facts(news=[]), cost_aware.Options(cost=0.1)) is None
