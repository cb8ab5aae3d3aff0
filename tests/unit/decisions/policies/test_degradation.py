"""A retraining where the live loss has risen above the holdout's."""

from __future__ import annotations

import numpy as np

from ratchet.decisions.policies import degradation
from ratchet.partitions import shift
from tests.given.facts import facts, live


def test_harm_is_rarely_seen_where_there_is_none() -> None:
    """The promise of the test: whatever the night one looks, at most `level` of unharmed champions are ever accused."""
    rng = np.random.default_rng(0)
    accused = 0
    for _ in range(200):
        losses = 0.45 + 0.06 * rng.standard_normal(97)
        live = {shift("2013-02-01", i): float(v) for i, v in enumerate(losses[7:])}
        seen = [
            degradation.ask(
                facts(holdout=list(losses[:7]), live=dict(list(live.items())[:n])), degradation.Options(margin=0.0)
            )
            for n in range(5, 91, 5)
        ]
        accused += any(seen)
    assert accused <= 10  # 5% of 200


def test_a_rise_beyond_the_margin_is_seen_and_one_within_it_is_not() -> None:
    worse = facts(live=live(*[0.7] * 20))
    assert "live loss 0.7000 over 20 days" in str(degradation.ask(worse, degradation.Options(margin=0.05)))
    assert degradation.ask(worse, degradation.Options(margin=0.9)) is None
