"""The admission of retrainings: what may ask, what says no, and what staleness is said to cost."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Retrain
from ratchet.decisions import requests, retrain, staleness
from ratchet.decisions.duel import Cluster
from ratchet.decisions.policies import calendar, cost_aware, degradation, drift
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import shift

NIGHT = "2013-02-10"
RULES = Retrain(cooldown_days=5)
ASKING = {
    "drift": partial(drift.ask, options=drift.Options()),
    "degradation": partial(degradation.ask, options=degradation.Options(margin=0.05)),
}
HOLDOUT = [0.5, 0.52, 0.48, 0.5, 0.51, 0.49, 0.5]


def _evidence(**changes: Any) -> NightFacts:
    base = {
        "partition": NIGHT,
        "champion": "3",
        "trained": "2013-01-31",
        "drift_days": 7,
        "drift_window": 7,
        "holdout": HOLDOUT,
    }
    return NightFacts(**{**base, **changes})


def _live(*losses: float) -> dict[str, float]:
    return {shift("2013-01-20", i): loss for i, loss in enumerate(losses)}


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "wait", "nothing asks"),
        ({"drifted": ["temp"]}, "retrain", "drift: 1 column beyond"),
        ({"drifted": ["temp"], "drift_days": 6}, "wait", "nothing asks"),
        ({"live": _live(*[0.5] * 30)}, "wait", "nothing asks"),
        ({"live": _live(*[0.7] * 20)}, "retrain", "degradation: live loss 0.7000 over 20 days"),
        ({"live": _live(0.7)}, "wait", "nothing asks"),
        ({"live": _live(*[0.5] * 10, 2.0)}, "wait", "nothing asks"),  # one bad day is no trend
        ({"live": _live(*[math.nan] * 5, *[0.7] * 20)}, "retrain", "degradation"),
        ({"live": _live(*[0.7] * 20), "holdout": []}, "wait", "nothing asks"),
        (
            {"live": _live(*[0.7] * 4), "estimated": {shift("2013-02-01", i): 0.7 for i in range(16)}},
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
    found = retrain.decide(_evidence(**changes), RULES, ASKING)
    assert found.verdict == verdict
    assert words in found.reason
    assert bool(found.key) == (verdict == "retrain")


def test_the_same_evidence_has_the_same_key() -> None:
    first = retrain.decide(_evidence(drifted=["temp"]), RULES, ASKING)
    again = retrain.decide(_evidence(drifted=["temp"], requested={NIGHT: "k"}), RULES, ASKING)
    assert first.key == again.key == f"drift__v3__{NIGHT}"


@given(st.permutations([f"2013-02-{d:02}" for d in range(1, 25)]))
def test_requests_keep_their_distance_in_whatever_order_nights_come(nights: list[str]) -> None:
    requested: dict[str, str] = {}
    for night in nights:
        if (
            retrain.decide(_evidence(partition=night, drifted=["x"], requested=dict(requested)), RULES, ASKING).verdict
            == "retrain"
        ):
            requested[night] = "k"
    ordered = sorted(int(day[-2:]) for day in requested)
    assert all(b - a >= RULES.cooldown_days for a, b in itertools.pairwise(ordered))


def test_a_budget_is_a_weeks() -> None:
    rules = RULES.model_copy(update={"cooldown_days": 0, "per_week": 2, "minutes_per_week": 10.0})
    two = {"2013-02-04": "a", "2013-02-08": "b"}
    assert (
        "2 retrainings of 2 since 2013-02-04"
        in retrain.decide(_evidence(drifted=["x"], requested=two), rules, ASKING).reason
    )
    later = _evidence(partition="2013-02-11", drifted=["x"], requested=two)
    assert retrain.decide(later, rules, ASKING).verdict == "retrain"
    spent = _evidence(drifted=["x"], minutes={"2013-02-04": 6.0, "2013-02-10": 4.5, "2013-02-01": 99.0})
    assert "10.5 minutes of training of 10" in retrain.decide(spent, rules, ASKING).reason


def test_a_calendar_counts_from_the_last_training_or_request() -> None:
    weekly = calendar.Options(days=7)
    assert calendar.ask(_evidence(partition="2013-02-06"), weekly) is None
    assert "7 days since the last training" in str(calendar.ask(_evidence(partition="2013-02-07"), weekly))
    assert calendar.ask(_evidence(partition="2013-02-07", requested={"2013-02-03": "k"}), weekly) is None


def test_harm_is_rarely_seen_where_there_is_none() -> None:
    """The promise of the test: whatever the night one looks, at most `level` of unharmed champions are ever accused."""
    rng = np.random.default_rng(0)
    accused = 0
    for _ in range(200):
        losses = 0.45 + 0.06 * rng.standard_normal(97)
        live = {shift("2013-02-01", i): float(v) for i, v in enumerate(losses[7:])}
        seen = [
            degradation.ask(
                _evidence(holdout=list(losses[:7]), live=dict(list(live.items())[:n])), degradation.Options(margin=0.0)
            )
            for n in range(5, 91, 5)
        ]
        accused += any(seen)
    assert accused <= 10  # 5% of 200


def test_a_persons_request_is_answered_once() -> None:
    asked = {"kind": "asked", "by": "ada", "reason": "x"}
    wanted = {"kind": "requested", "partition": NIGHT, "evidence": "request__v1__2013-02-10"}
    judged = {"kind": "rejected", "run": "request__v1__2013-02-10", "day": "2013-02-09", "minutes": 2.0}
    assert requests.facts([asked], NIGHT, 1)["asked"] == ["ada (x)"]
    after = requests.facts([asked, wanted], "2013-02-11", 1)
    assert (after["asked"], after["pending"]) == ([], ["request__v1__2013-02-10"])
    done = requests.facts([asked, wanted, judged], "2013-02-11", 1)
    assert (done["pending"], done["minutes"]) == ([], {"2013-02-10": 2.0})
    assert requests.facts([asked, wanted], "2013-02-13", 1)["pending"] == []  # lost: it absorbs no longer
    paused = [{"kind": "paused", "reason": "y"}]
    assert requests.facts(paused, NIGHT, 1)["paused"] == "y"
    assert requests.facts([*paused, {"kind": "resumed", "reason": ""}], NIGHT, 1)["paused"] == ""


@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.integers(1, 20), st.floats(0, 2)), max_size=20))
def test_a_slope_is_never_negative_and_never_undefined(duels: list[tuple[float, int, float]]) -> None:
    past = [staleness.Compared(shift(NIGHT, -i), *each) for i, each in enumerate(duels)]
    found = staleness.slope(past, 0.45, NIGHT)
    assert 0 <= found < 10


def test_a_slope_is_learnt() -> None:
    rng = np.random.default_rng(0)
    past = [
        staleness.Compared(shift("2013-06-01", i), 0.2 * x + 0.01 * rng.standard_normal(), 7, x)
        for i, x in enumerate(rng.uniform(0, 0.5, 60))
    ]
    assert abs(staleness.slope(past, 0.45, "2013-08-01") - 0.2) < 0.02
    assert staleness.slope(past, 0.45, "2012-01-01") == pytest.approx(
        staleness.EXPONENT * 0.45
    )  # nothing of it was known then


def test_staleness_is_counted_from_the_training() -> None:
    counts = {f"2013-01-{d:02}": 100 for d in range(1, 11)}
    path = staleness.path(counts, "2013-01-01..2013-01-05", "2013-01-07")
    assert path == [pytest.approx(math.log(6 / 5)), pytest.approx(math.log(7 / 5))]
    compared = [Cluster("2013-01-06", 10, -0.2), Cluster("2013-01-07", 10, 0.1)]
    stood = {"2013-01-06": "2013-01-01..2013-01-03", "2013-01-07": "2013-01-01..2013-01-05"}
    first = staleness.first_look(counts, compared, stood, "2013-01-01..2013-01-05")
    assert first is not None
    assert (first["day"], first["clusters"], first["gain"]) == (
        "2013-01-06",
        1,
        pytest.approx(0.02),
    )  # the other was no fresher
    assert first["news"] == pytest.approx(math.log(5 / 3))
    assert (
        staleness.first_look(counts, compared, dict.fromkeys(stood, "2013-01-01..2013-01-05"), "2013-01-01..2013-01-05")
        is None
    )


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_dearer_retraining_is_asked_for_no_sooner(cheap: float, more: float) -> None:
    news = [0.02 * i for i in range(1, 60)]

    def night(cost: float) -> int:
        asked = (n for n in range(1, 60) if cost_aware.ask(_evidence(news=news[:n]), cost_aware.Options(cost=cost)))
        return next(asked, 99)

    assert night(cheap) <= night(cheap + more)
