"""Groups of people are treated alike, up to the bounds of the contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from ratchet.contract.rules import Fairness, Gate
from ratchet.decisions.checks.check import Check
from ratchet.decisions.checks.fairness import LEVEL, fairness, interval, judge


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_difference_is_held_to_its_own_bound(parity: float, odds: float, bound: float) -> None:
    found = {"fairness": {"sex": {"demographic_parity": parity, "equalized_odds": odds}}}
    one = Gate(fairness=Fairness(columns=("sex",), equalized_odds=bound))
    assert [(check.name, check.passed) for check in judge(one, found)] == [("equalized_odds over sex", odds <= bound)]
    both = Gate(fairness=Fairness(columns=("sex",), equalized_odds=bound, demographic_parity=bound))
    assert [check.passed for check in judge(both, found)] == [parity <= bound, odds <= bound]
    assert judge(Gate(), found) == []


def _groups(**levels: tuple[int, int, int, int, int]) -> dict[str, dict[str, int]]:
    return {f"sex={name}": dict(zip(KINDS, counts, strict=True)) for name, counts in levels.items()}


KINDS = ("rows", "predicted", "positive", "true_positive", "false_positive")
LARGE = (1000, 500, 500, 400, 100)


def _judged(parity: float | None, odds: float | None, groups: Any, **rule: Any) -> list[Check]:
    both = {"demographic_parity": 0.2, "equalized_odds": 0.2, "columns": ("sex",)}
    gate = Gate(fairness=Fairness.model_validate({**both, **rule}))
    measured = {"demographic_parity": parity, "equalized_odds": odds, "groups": groups}
    return judge(gate, {"fairness": {"sex": measured}})


@pytest.mark.parametrize("undefined", ["forbid", "tell"])
def test_one_group_has_no_difference_and_does_not_pass_by_nought(undefined: str) -> None:
    """A page has shown 'demographic parity over race 0.0000, passed'."""
    for groups in (_groups(f=LARGE), {}):
        for check in _judged(None, None, groups, undefined=undefined):
            assert (check.passed, check.told, check.number) == (undefined == "tell", undefined == "tell", None)
            assert "over sex is undefined: there is no" in check.text
    assert "sex=f of 1,000 rows" in _judged(None, None, _groups(f=LARGE))[0].text


def test_a_group_without_positive_rows_has_no_odds() -> None:
    parity, odds, *_ = _judged(0.1, None, _groups(f=LARGE, m=(1000, 400, 0, 0, 400)))
    assert (parity.name, parity.passed, parity.number) == ("demographic_parity over sex", True, 0.1)
    assert odds.forbids
    assert "positive or negative rows are lacking: sex=m (0 of 1,000 rows positive)" in odds.text


def test_a_small_group_is_judged_by_what_its_difference_is_at_least() -> None:
    alike = _judged(None, None, _groups(f=LARGE, x=(20, 10, 10, 8, 2)))
    assert [(check.name, check.passed) for check in alike] == [
        ("demographic_parity over sex, small groups", True),
        ("equalized_odds over sex, small groups", True),
    ]
    assert "is between 0.0000 and 0.2895 (sex=x of 20 rows)" in alike[0].text
    shut_out = _judged(None, None, _groups(f=LARGE, x=(60, 0, 30, 0, 0)))
    assert [check.passed for check in shut_out] == [False, False]
    assert "all of it above its ceiling 0.2" in shut_out[0].text
    kept = _judged(0.19, 0.21, _groups(f=LARGE, m=LARGE, x=(20, 10, 10, 8, 2)))
    assert [(check.number, check.passed) for check in kept if "small" not in check.name] == [
        (0.19, True),
        (0.21, False),
    ]


@given(st.integers(1, 60), st.floats(0.001, 0.2), st.data())
def test_an_interval_holds_its_rate_and_shrinks_with_the_level(trials: int, level: float, data: st.DataObject) -> None:
    """Clopper & Pearson: each side is the rate at which so many, or more extreme, come up with half the level."""
    successes = data.draw(st.integers(0, trials))
    low, high = interval(successes, trials, level)
    assert 0 <= low <= successes / trials <= high <= 1
    if successes:
        assert binom.sf(successes - 1, trials, low) == pytest.approx(level / 2, rel=1e-6)
    if successes < trials:
        assert binom.cdf(successes, trials, high) == pytest.approx(level / 2, rel=1e-6)


def test_of_groups_that_are_alike_no_more_than_the_level_are_refused() -> None:
    rng, refused = np.random.default_rng(3), 0
    for _ in range(300):
        said = rng.binomial(15, 0.3, 6)
        groups = {f"sex={i}": dict(zip(KINDS, (15, int(n), 0, 0, 0), strict=True)) for i, n in enumerate(said)}
        measured = {"demographic_parity": None, "groups": groups}
        rule = Fairness(columns=("sex",), demographic_parity=0.0)
        refused += any(not each.passed for each in fairness(rule, "sex", "demographic_parity", measured, 0.0))
    assert refused <= 300 * LEVEL
