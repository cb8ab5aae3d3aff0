"""How many days a duel will need, from the differences that a loop has seen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import duel, hypothesis, needed, shadows
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import Terms
from ratchet.decisions.needed import Needed, Past
from ratchet.partitions import days_between, shift
from tests.given.clusters import days

BOUND = 0.05
differences = st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=30)
margins = st.floats(0, 0.024)


def _loop(holdout: int = 7, delay: int = 1, **gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    changed = {
        "gate": loop.gate.model_copy(update=gate),
        "training": loop.training.model_copy(update={"holdout_days": holdout}),
        "label_delay_days": delay,
    }
    return loop.model_copy(update=changed)


def _terms(margin: float, level: float = 0.05, bound: float = BOUND) -> Terms:
    return Terms(loss="log_loss", cluster="day", margin=margin, bound=bound, level=level)


def _noise(seed: int, spread: float, count: int = 35, mean: float = 0.0) -> Past:
    return Past((tuple(days(np.random.default_rng(seed).normal(mean, spread, count).tolist())),), own=True)


@given(differences, st.floats(-0.024, 0.024), st.floats(0.05, 1))
def test_the_capital_is_that_of_the_duel(values: list[float], margin: float, bound: float) -> None:
    ours, theirs = np.array([values, values[::-1]]), np.array([[-each for each in values]])
    rival = needed.capital(ours, margin=margin, bound=bound)
    for row, order in zip(rival, (values, values[::-1]), strict=True):
        assert row == pytest.approx([won for won, _ in duel.curve(days(order), margin=margin, bound=bound)], abs=1e-9)
    champion = [lost for _, lost in duel.curve(days(values), margin=margin, bound=bound)]
    assert needed.capital(theirs, margin=-margin, bound=bound)[0] == pytest.approx(champion, abs=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 99), st.floats(0.001, 0.05), st.floats(0.0005, 0.024), st.floats(1, 9), st.floats(0.01, 0.4))
def test_it_falls_with_a_wider_margin_and_is_never_less_than_the_fewest(
    seed: int, spread: float, margin: float, factor: float, level: float
) -> None:
    wider = min(margin * factor, 0.024)
    narrow, wide = (needed.needed(_loop(), _terms(each, level), _noise(seed, spread)) for each in (margin, wider))
    for one, other in ((narrow.median, wide.median), (narrow.most, wide.most)):
        assert (one or math.inf) >= (other or math.inf)
    for found in (narrow, wide):
        assert found.fewest <= (found.median or math.inf) <= (found.most or math.inf)


def test_most_challengers_need_what_is_said() -> None:
    """Lives of new days of the same kind, each judged night by night."""
    found = needed.needed(_loop(), _terms(0.01), _noise(1, 0.008, 200))
    rng, ends = np.random.default_rng(2), []
    for _ in range(200):
        held = duel.curve(days(rng.normal(0, 0.008, 60).tolist()), margin=0.01, bound=BOUND)
        ends.append(next(n for n, (won, _) in enumerate(held, 1) if won >= -math.log(0.05)))
    assert found.median == pytest.approx(np.median(ends), abs=1)
    assert found.most == pytest.approx(np.quantile(ends, 0.9), abs=2)


def test_the_same_history_says_the_same_and_its_mean_says_nothing() -> None:
    said = needed.needed(_loop(), _terms(0.01), _noise(1, 0.004))
    assert needed.needed(_loop(), _terms(0.01), _noise(1, 0.004)) == said
    moved = needed.needed(_loop(), _terms(0.01), _noise(1, 0.004, mean=0.02))
    assert (moved.median, moved.most) == (said.median, said.most)


def test_days_that_several_duels_have_in_common_count_once() -> None:
    (one,) = _noise(1, 0.004, 6).duels
    assert needed.needed(_loop(), _terms(0.01), Past((one, one, one), own=True)).median is None
    (other,) = _noise(2, 0.004, 7).duels
    assert needed.needed(_loop(), _terms(0.01), Past((one, other, one[:1]), own=True)).history == 7


def test_weeks_are_drawn_where_weeks_are_judged() -> None:
    by = _terms(0.02).model_copy(update={"cluster": "week"})
    found = needed.needed(_loop(cluster="week"), by, _noise(1, 0.01, 90))
    assert found.history == 13
    assert " 13 weeks of this loop's own duels" in needed.words(_loop(cluster="week"), found)
    assert needed.reached(_loop(cluster="week", patience_days=28)) == 5  # 29 days from a Sunday on


@pytest.mark.parametrize("cluster", ["day", "week"])
def test_the_default_patience_is_longer_than_the_default_margin_needs(cluster: str) -> None:
    loop = _loop(cluster=cluster, margin=None, bound=None, patience_days=None)
    assert needed.equal(needed.by_contract(loop)) == 7 < 9 < needed.reached(loop)


@given(st.floats(0.002, 0.0249), st.floats(0.01, 0.4))
def test_equal_models_are_told_apart_from_worse_ones_in_as_many_days_as_is_said(margin: float, level: float) -> None:
    count = int(needed.equal(_terms(margin, level)))
    held = [won for won, _ in duel.curve(days([0.0] * count), margin=margin, bound=BOUND)]
    assert held[-1] >= -math.log(level) - 1e-9
    assert count == 1 or held[-2] < -math.log(level)
    assert count >= duel.fewest(margin=margin, bound=BOUND, level=level)


def test_equal_models_are_never_proved_better() -> None:
    assert needed.equal(_terms(0.0)) == math.inf


@given(st.integers(1, 30), st.integers(0, 9), st.integers(1, 40))
def test_no_challenger_has_more_days_than_are_reached(holdout: int, delay: int, patience: int) -> None:
    since = "2013-01-01"
    waiting = shadows.Challenger("run", "run", "line", since, "1")
    night = shift(since, holdout - 1 + delay)  # of its training, whose first look is at its holdout
    while True:
        night = shift(night, 1)
        count = days_between(since, night) - delay + 1
        if shadows.leaving([waiting], None, 3, patience, night):
            break
    assert needed.reached(_loop(holdout, delay, patience_days=patience)) == count


def test_past_duels_count_before_those_with_a_baseline() -> None:
    ours, plain = tuple(days([0.01] * 3)), tuple(days([-0.2] * 7))
    first = Gathered((), "baseline:a", plain)
    assert needed.past([first]) == Past((plain,))
    assert needed.past([first, Gathered(ours, "baseline:a", plain)]) == Past((ours,), own=True)
    assert needed.past([Gathered((), "3", plain), duel.NOTHING]) == Past()


def test_what_the_contract_alone_says() -> None:
    assert needed.by_contract(_loop()) == hypothesis.of_now(_loop(), 0.5)
    by = needed.by_contract(_loop(bound=None))  # of a small loss: a larger one's bound is wider, and takes longer
    assert by == hypothesis.of_now(_loop(bound=None), 0.01)
    assert by.bound == pytest.approx(0.05)
    by = needed.by_contract(_loop(bound=None, aim="superior", margin=0.0))
    # Without a margin the fewest do not depend on the bound.
    assert {duel.fewest(margin=0, bound=bound, level=0.05) for bound in (by.bound, 0.01, 7.0)} == {6}


@pytest.mark.parametrize(
    ("change", "by", "found", "said"),
    [
        (
            {"margin": None, "bound": None, "patience_days": None},
            _terms(0.05, bound=0.125),
            {"fewest": 4, "history": 0, "own": False},
            "A duel needs at least 4 days, whatever they hold, to hold within 5% of the loss at level 0.05; "
            "patience_days is 28",
        ),
        (
            {},
            _terms(0.02),
            {"fewest": 4, "history": 35, "own": True, "median": 9, "most": 14},
            "A challenger as good as the champion will need about 9 days (14 in nine of ten) to hold within 0.02 at "
            "level 0.05, by 35 days of this loop's own duels; patience_days is 28",
        ),
        (
            {"patience_days": 5, "holdout": 5},
            _terms(0.02),
            {"fewest": 7, "history": 35, "own": True, "median": 9, "most": None},
            "A challenger as good as the champion will need about 9 days (over a year in nine of ten) to hold within "
            "0.02 at level 0.05, by 35 days of this loop's own duels; so a patience of 5 days decides nothing. "
            "It counts from the first day of a challenger's holdout: make patience_days at least 8, or holdout_days 8",
        ),
        (
            {"patience_days": 1},  # the holdout alone has seven days, and a night adds one
            _terms(0.0),
            {"fewest": 6, "history": 7, "own": False, "median": 21, "most": 25},
            "A challenger better by 0.01, a fifth of the bound, will need about 21 days (25 in nine of ten) to be "
            "proved better at level 0.05, by 7 days against the baseline; so a patience of 1 day decides nothing about "
            "most of them. It counts from the first day of a challenger's holdout: make patience_days at least 20, or "
            "holdout_days 20",
        ),
        (
            {},
            _terms(0.001),
            {"fewest": 6, "history": 35, "own": True},
            "A challenger as good as the champion will need over a year to hold within 0.001 at level 0.05, by 35 days "
            "of this loop's own duels; so a patience of 28 days decides nothing about most of them",
        ),
        (
            {},
            _terms(0.02),
            {"fewest": 4, "history": 6, "own": True},
            "A duel needs at least 4 days, whatever they hold, to hold within 0.02 at level 0.05, and 6 days of this "
            "loop's own duels are too few to say how many more; patience_days is 28",
        ),
        (
            {"patience_days": 3, "holdout": 2},
            _terms(0.0),
            {"fewest": 6, "history": 0, "own": False},
            "A duel needs at least 6 days, whatever they hold, to be proved better at level 0.05; so a patience of "
            "3 days decides nothing. It counts from the first day of a challenger's holdout: make patience_days at "
            "least 5, or holdout_days 5",
        ),
    ],
)
def test_it_is_said_beside_the_patience(change: dict[str, Any], by: Terms, found: dict[str, Any], said: str) -> None:
    assert needed.words(_loop(**change), Needed(by, **found)) == said
