"""A retraining where the live loss has risen above the holdout's."""

from __future__ import annotations

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("judged_in", "asks"),
    [("log_loss", True), ("", True), ("brier", False)],  # "": an evaluation that does not say in which
)
def test_live_losses_are_not_held_against_a_holdout_in_another_loss(judged_in: str, asks: bool) -> None:
    """After a change of `gate.loss` it fired each night, or never: a log loss of 0.7 is a Brier score of 0.25."""
    worse = facts(live=live(*[0.7] * 20), loss="log_loss", judged_in=judged_in)
    assert bool(degradation.ask(worse, degradation.Options())) == asks
    assert ("in brier" in degradation.silence(worse)) != asks
    assert degradation.silence(facts()) == ""


@pytest.mark.parametrize(
    ("judged_in", "words", "told"),
    [
        ("log_loss", "euros a row", "was measured in log_loss, and there is none in euros a row until"),
        ("value:0c2f1e6a9b8d", "euros a row", "in an earlier gate.value, and there is none in euros a row until"),
        ("value:0c2f1e6a9b8d", "", "was measured in an earlier gate.value, and there is none in brier until"),
    ],
)
def test_a_value_is_told_by_its_unit_and_never_by_its_hash(judged_in: str, words: str, told: str) -> None:
    loss = "value:9f8c77ab0060" if words else "brier"
    said = degradation.silence(facts(loss=loss, loss_words=words, judged_in=judged_in))
    assert told in said
    assert "value:" not in said
