"""The admission of retrainings: what may ask, and what says no."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Retrain
from ratchet.decisions import retrain
from ratchet.decisions.policies import calendar, degradation, drift
from ratchet.partitions import shift
from tests.given.facts import NIGHT, facts, live

RULES = Retrain(cooldown_days=5)


ASKING = {
    "drift": partial(drift.ask, options=drift.Options()),
    "degradation": partial(degradation.ask, options=degradation.Options(margin=0.05)),
}


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "wait", "nothing asks"),
        ({"drifted": ["temp"]}, "retrain", "drift: 1 column beyond"),
        ({"drifted": ["temp"], "drift_days": 6}, "retrain", "drift: 1 column beyond"),
        ({"drifted": ["temp"], "drift_days": 3}, "wait", "nothing asks"),
        ({"never_came": ["2013-02-09"]}, "wait", "retraining. 1 of 7 days of the window never came: 2013-02-09"),
        (
            {"drifted": ["temp"], "drift_days": 6, "never_came": ["2013-02-09"]},
            "retrain",
            "on 6 of 7 days. 1 of 7 days of the window never came: 2013-02-09",
        ),
        ({"live": live(*[0.5] * 30)}, "wait", "nothing asks"),
        ({"live": live(*[0.7] * 20)}, "retrain", "degradation: live loss 0.7000 over 20 days"),
        ({"live": live(0.7)}, "wait", "nothing asks"),
        ({"live": live(*[0.5] * 10, 2.0)}, "wait", "nothing asks"),  # one bad day is no trend
        ({"live": live(*[math.nan] * 5, *[0.7] * 20)}, "retrain", "degradation"),
        ({"live": live(*[0.7] * 20), "holdout": []}, "wait", "nothing asks"),
        (
            {"live": live(*[0.7] * 20), "loss": "log_loss", "judged_in": "brier"},
            "wait",
            "nothing asks for a retraining. Degradation is not looked for: the champion's holdout was measured in "
            "brier, and there is none in log_loss until the next champion's evaluation",
        ),
        (
            {"drifted": ["temp"], "loss": "log_loss", "judged_in": "brier", "never_came": ["2013-02-09"]},
            "retrain",
            "2013-02-09. Degradation is not looked for",
        ),
        (
            {"live": live(*[0.7] * 4), "estimated": {shift("2013-02-01", i): 0.7 for i in range(16)}},
            "retrain",
            "16 of them estimated",
        ),
        ({"drifted": ["temp"], "bad_data": {"2013-02-09": "rejected: x"}}, "veto", "2013-02-09: rejected: x"),
        ({"drifted": ["temp"], "requested": {"2013-02-06": "k"}}, "wait", "Cooling down"),
        ({"drifted": ["temp"], "requested": {"2013-02-14": "k"}}, "wait", "Cooling down"),
        ({"drifted": ["temp"], "requested": {"2013-02-05": "k"}}, "retrain", "drift"),
        ({"drifted": ["temp"], "pending": ["drift__v3__2013-02-09"]}, "wait", "Absorbed by drift__v3__2013-02-09"),
        ({"drifted": ["temp"], "paused": "the holidays"}, "wait", "Paused: the holidays"),
        ({"asked": ["ada (new airline)"]}, "retrain", "asked for by ada (new airline)"),
        ({"asked": ["ada (x)"], "paused": "y"}, "wait", "Paused"),
        ({"bad_data": {"2013-02-09": "empty"}}, "wait", "nothing asks"),
    ],
)
def test_evidence_and_its_verdict(changes: dict[str, Any], verdict: str, words: str) -> None:
    found = retrain.decide(facts(**changes), RULES, ASKING)
    assert found.verdict == verdict
    assert words in found.reason
    assert bool(found.key) == (verdict == "retrain")


def test_the_same_evidence_has_the_same_key() -> None:
    first = retrain.decide(facts(drifted=["temp"]), RULES, ASKING)
    again = retrain.decide(facts(drifted=["temp"], requested={NIGHT: "k"}), RULES, ASKING)
    assert first.key == again.key == f"drift__v3__{NIGHT}"


@given(st.permutations([f"2013-02-{d:02}" for d in range(1, 25)]))
def test_requests_keep_their_distance_in_whatever_order_nights_come(nights: list[str]) -> None:
    requested: dict[str, str] = {}
    for night in nights:
        if (
            retrain.decide(facts(partition=night, drifted=["x"], requested=dict(requested)), RULES, ASKING).verdict
            == "retrain"
        ):
            requested[night] = "k"
    ordered = sorted(int(day[-2:]) for day in requested)
    assert all(b - a >= RULES.cooldown for a, b in itertools.pairwise(ordered))


def test_a_budget_is_a_weeks() -> None:
    rules = RULES.model_copy(update={"cooldown_days": 0, "per_week": 2, "minutes_per_week": 10.0})
    two = {"2013-02-04": "a", "2013-02-08": "b"}
    assert (
        "2 retrainings of 2 since 2013-02-04"
        in retrain.decide(facts(drifted=["x"], requested=two), rules, ASKING).reason
    )
    later = facts(partition="2013-02-11", drifted=["x"], requested=two)
    assert retrain.decide(later, rules, ASKING).verdict == "retrain"
    spent = facts(drifted=["x"], minutes={"2013-02-04": 6.0, "2013-02-10": 4.5, "2013-02-01": 99.0})
    assert "10.5 minutes of training of 10" in retrain.decide(spent, rules, ASKING).reason


def test_of_a_policy_that_is_not_asked_nothing_is_told() -> None:
    changed = facts(loss="log_loss", judged_in="brier")
    assert retrain.decide(changed, RULES, {"drift": ASKING["drift"]}).reason == retrain.NOTHING


@pytest.mark.parametrize(
    ("rules", "cooldown"),
    [
        ({}, 5),
        ({"policies": {"calendar": {"days": 1}}}, 1),
        ({"policies": {"calendar": {}}}, 5),
        ({"policies": {"calendar": {"days": 3}, "drift": {}}}, 3),
        ({"policies": {"calendar": {"days": 1}}, "cooldown_days": 4}, 4),
        ({"policies": {"calendar": {"days": 1}}, "cooldown_days": 0}, 0),
    ],
)
def test_a_cool_down_is_no_longer_than_the_step_of_a_calendar_unless_it_is_said(
    rules: dict[str, Any], cooldown: int
) -> None:
    assert Retrain.model_validate(rules).cooldown == cooldown


def test_a_loop_that_retrains_every_day_asks_every_night() -> None:
    """The plainest wish: with the cool-down of five days that every loop had it was every fifth night."""
    rules, asked = Retrain(policies={"calendar": {"days": 1}}), dict[str, str]()
    asking = {"calendar": partial(calendar.ask, options=calendar.Options(days=1))}
    for night in (shift(NIGHT, i) for i in range(14)):
        found = retrain.decide(facts(partition=night, trained=shift(NIGHT, -1), requested=asked), rules, asking)
        assert found.verdict == "retrain", found.reason
        asked[night] = found.key
    assert len(asked) == 14
