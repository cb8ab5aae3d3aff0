"""The duel: what it promises, as properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ratchet.decisions import duel, gate
from ratchet.decisions.duel import Cluster
from ratchet.partitions import shift
from tests.given.clusters import days

losses = st.one_of(st.floats(0, 16), st.sampled_from([math.nan, math.inf]))


rows = st.lists(st.tuples(st.sampled_from(["2013-02-01", "2013-02-02", "2013-02-03"]), losses, losses), max_size=30)


differences = st.lists(st.floats(-0.3, 0.3), max_size=60)


rules = st.fixed_dictionaries(
    {"margin": st.floats(-0.02, 0.02), "bound": st.floats(0.05, 0.2), "level": st.floats(0.001, 0.2)}
)


def _clusters(table: list[tuple[str, float, float]]) -> list[Cluster]:
    days, ours, theirs = ([row[i] for row in table] for i in range(3))
    return duel.cluster(days, np.array(ours, dtype=float), np.array(theirs, dtype=float))


@given(rows, st.randoms(use_true_random=False))
def test_permuting_rows_within_a_day_changes_nothing(table: list[tuple[str, float, float]], random: Any) -> None:
    other = list(table)
    random.shuffle(other)
    assert _clusters(other) == _clusters(table)


@given(rows, st.integers(0, 30))
def test_a_day_in_two_calls_is_the_day_in_one(table: list[tuple[str, float, float]], cut: int) -> None:
    parts = duel.merge(_clusters(table[:cut]), _clusters(table[cut:]))
    whole = _clusters(table)
    assert [(c.key, c.rows, c.undefined) for c in parts] == [(c.key, c.rows, c.undefined) for c in whole]
    assert [c.total for c in parts] == pytest.approx([c.total for c in whole])
    one, other = (duel.judge(each, margin=0.0, bound=0.1, level=0.05) for each in (parts, whole))
    assert one.verdict == other.verdict
    assert one.rival == pytest.approx(other.rival)


@given(rows)
def test_exchanging_rows_is_exchanging_clusters(table: list[tuple[str, float, float]]) -> None:
    assert _clusters([(day, theirs, ours) for day, ours, theirs in table]) == duel.exchange(_clusters(table))


@given(differences, rules)
def test_exchanging_the_models_mirrors_the_verdict(values: list[float], rule: dict[str, float]) -> None:
    ours = duel.judge(days(values), **rule)
    theirs = duel.judge(duel.exchange(days(values)), **{**rule, "margin": -rule["margin"]})
    assert theirs.verdict == {"promote": "reject", "reject": "promote", "wait": "wait"}[ours.verdict]
    assert (theirs.rival, theirs.champion) == (pytest.approx(ours.champion), pytest.approx(ours.rival))
    assert theirs.difference == pytest.approx(-ours.difference)
    assert (theirs.low, theirs.high) == (pytest.approx(-ours.high, abs=1e-9), pytest.approx(-ours.low, abs=1e-9))


@given(rows, rules)
def test_every_input_gets_a_verdict(table: list[tuple[str, float, float]], rule: dict[str, float]) -> None:
    """No rows, one row, one class, NaN and infinity on either side: a verdict, and finite evidence."""
    found = duel.judge(_clusters(table), **rule)
    assert found.verdict in ("promote", "reject", "wait")
    assert all(map(math.isfinite, (found.rival, found.champion, found.difference, found.low, found.high)))
    assert gate.decide([], found).reason


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"), [(math.nan, 0.5, "reject"), (0.5, math.inf, "promote"), (math.nan, math.nan, "wait")]
)
def test_a_loss_that_is_not_a_number_is_the_worst(ours: float, theirs: float, verdict: str) -> None:
    table = [(shift("2013-01-01", i), ours, theirs) for i in range(40)]
    assert duel.judge(_clusters(table), margin=0.0, bound=0.1, level=0.05).verdict == verdict


@given(differences, rules, st.floats(0.3, 0.9))
def test_a_stricter_level_never_decides_sooner(values: list[float], rule: dict[str, float], factor: float) -> None:
    strict = duel.judge(days(values), **{**rule, "level": rule["level"] * factor})
    if strict.verdict != "wait":
        assert duel.judge(days(values), **rule).verdict == strict.verdict


@given(differences.filter(bool), rules)
def test_the_curve_ends_in_the_verdict(values: list[float], rule: dict[str, float]) -> None:
    found = duel.judge(days(values), **rule)
    assert duel.curve(days(values), margin=rule["margin"], bound=rule["bound"])[-1] == (
        found.rival,
        found.champion,
    )


@pytest.mark.parametrize("margin", [0.0, 0.01])
def test_under_the_hypothesis_it_seldom_fires_however_often_one_looks(margin: float) -> None:
    """Days of heavy, skewed noise around the margin.

    Over 1,000 streams looked at each night, at most the level (99.9% of the binomial).
    """
    rng = np.random.default_rng(3)
    fired = 0
    for _ in range(1000):
        values = rng.choice([-1, 1], 120) * rng.exponential(0.01, 120) + margin
        fired += max(ours for ours, _ in duel.curve(days(values.tolist()), margin=margin, bound=0.1)) >= -math.log(0.1)
    assert fired <= stats.binom.ppf(0.999, 1000, 0.1)


def test_the_confidence_sequence_holds_the_mean_at_every_night() -> None:
    rng = np.random.default_rng(4)
    missed = 0
    for _ in range(60):
        values = (rng.normal(-0.01, 0.01, 40)).tolist()
        for n in range(5, 41, 5):
            found = duel.judge(days(values[:n]), margin=0.0, bound=0.1, level=0.1)
            if not found.low <= -0.01 <= found.high:
                missed += 1
                break
    assert missed <= stats.binom.ppf(0.999, 60, 0.1)


def test_a_fresher_model_no_worse_than_the_margin_is_promoted_where_that_is_the_aim() -> None:
    values = np.random.default_rng(6).normal(0.002, 0.008, 40).tolist()
    assert duel.judge(days(values), margin=0.02, bound=0.05, level=0.05).verdict == "promote"
    assert duel.judge(days(values), margin=0.0, bound=0.05, level=0.05).verdict != "promote"


@pytest.mark.parametrize(
    "rule", [{"margin": 0.1, "bound": 0.1}, {"margin": 0.0, "bound": math.inf}, {"margin": 0.0, "bound": 0.0}]
)
def test_rules_that_cannot_be(rule: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="margin of less than half"):
        duel.judge(days([0.1]), **rule, level=0.05)
    with pytest.raises(ValueError, match="level"):
        duel.judge([], margin=0.0, bound=0.1, level=1.0)


def test_a_rival_that_is_rarely_far_worse_is_promoted_no_more_often_than_the_level_says() -> None:
    """A little better on nineteen days of twenty, far worse on the twentieth, equal on average: a year of looks.

    The capital of a bound that narrowed to what was seen promoted it in a quarter of years.
    """
    rng = np.random.default_rng(5)
    fired = 0
    for _ in range(400):
        values = np.where(rng.random(200) < 0.05, 0.095, -0.005)
        fired += max(ours for ours, _ in duel.curve(days(values.tolist()), margin=0.0, bound=0.15)) >= -math.log(0.05)
    assert fired <= stats.binom.ppf(0.999, 400, 0.05)


@given(differences, rules)
def test_what_comes_later_changes_nothing_about_the_nights_before(values: list[float], rule: dict[str, float]) -> None:
    """The bound is that of the first day, and a stake knows the days before it alone."""
    bounds = {name: rule[name] for name in ("margin", "bound")}
    whole = duel.curve(days(values), **bounds)
    cut = len(values) // 2
    assert whole[:cut] == duel.curve(days(values[:cut]), **bounds)
    one = duel.judge(days(values[:1]), **rule)
    assert (one.margin, one.bound) == (rule["margin"], rule["bound"])


@given(differences, rules, st.floats(-5, 0))
def test_what_is_owed_has_to_be_won_back_first(values: list[float], rule: dict[str, float], debt: float) -> None:
    bounds = {name: rule[name] for name in ("margin", "bound")}
    plain, indebted = (duel.judge(days(values), **rule, debt=owed) for owed in (0.0, debt))
    assert indebted.rival == pytest.approx(plain.rival + debt)
    assert (indebted.champion, indebted.low, indebted.high) == (plain.champion, plain.low, plain.high)
    left = duel.owed(days(values), **bounds, debt=debt)
    assert left == pytest.approx(min(0.0, indebted.rival))
    assert duel.owed([], **bounds, debt=debt) == debt


def test_a_recipe_that_is_worse_does_not_get_through_by_trying_every_week() -> None:
    """Thirty challengers a life, a week each, all of them as bad as the margin: in all of a life, the level at most."""
    rng, through, alone = np.random.default_rng(8), 0, 0
    for _ in range(150):
        debt, won, lucky = 0.0, False, False
        for _ in range(30):
            tried = days(rng.normal(0.02, 0.02, 7).tolist())
            won |= duel.curve(tried, margin=0.02, bound=0.05, debt=debt)[-1][0] >= -math.log(0.05)
            lucky |= duel.curve(tried, margin=0.02, bound=0.05)[-1][0] >= -math.log(0.05)
            debt = duel.owed(tried, margin=0.02, bound=0.05, debt=debt)
        through, alone = through + won, alone + lucky
    assert through <= stats.binom.ppf(0.999, 150, 0.05)
    assert alone > through


def test_what_is_due_is_what_is_new_after_the_holdout_and_what_was_corrected() -> None:
    known = [duel.Cluster(f"2013-01-{day:02d}", 10, 1.0) for day in (5, 6, 8)]
    published = [f"2013-01-{day:02d}" for day in range(5, 11)]
    kept, days = duel.due(known, published, "2013-01-07", {"2013-01-06", "2013-01-04", "2013-01-07"})
    assert [each.key for each in kept] == ["2013-01-05", "2013-01-08"]
    assert days == ["2013-01-06", "2013-01-09", "2013-01-10"]
    assert duel.due(known, published[:4], "2013-01-07", ()) == (known, [])


def test_a_model_has_seen_the_days_up_to_its_last_and_not_those_after() -> None:
    """Those before its first too: what it has learnt of later days may tell of them."""
    days = ("2013-01-01", "2013-01-09", "2013-01-10")
    assert [duel.seen(day, "2013-01-09") for day in days] == [True, True, False]
    assert not duel.seen("2013-01-01", "")  # of which nobody knows what it was trained on


@given(rules, st.integers(1, 40), st.booleans(), st.floats(0.05, 1))
def test_no_fewer_clusters_than_the_fewest_decide_a_duel(
    rules: dict[str, float], count: int, better: bool, far: float
) -> None:
    needed = duel.fewest(**rules)
    found = duel.judge(days([-far if better else far] * count), **rules)
    assert found.verdict == "wait" or count >= needed
    extreme = days([-2 * rules["bound"] if better else 2 * rules["bound"]] * 200)
    first = next(n for n in range(1, 201) if duel.judge(extreme[:n], **rules).verdict != "wait")
    assert needed <= first


def test_the_fewest_clusters_at_no_margin_are_those_that_a_bettor_on_the_certain_needs() -> None:
    needed = duel.fewest(margin=0.0, bound=0.1, level=0.05)
    assert needed == next(n for n in range(1, 99) if (1.5**n + 1.9**n) / 2 >= 20)
    assert duel.judge(days([-0.1] * needed), margin=0.0, bound=0.1, level=0.05).verdict == "promote"
    with pytest.raises(ValueError, match="less than half"):
        duel.fewest(margin=0.1, bound=0.2, level=0.05)


def test_a_gain_too_small_to_be_shared_among_its_days_says_nothing_of_how_many_more() -> None:
    assert duel.judge(days([0.0, 5e-324]), margin=0.0, bound=1.0, level=0.1).more is None
