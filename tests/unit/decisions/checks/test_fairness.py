"""Groups of people are treated alike, up to the bounds of the contract."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Fairness, Gate
from ratchet.decisions.checks.fairness import judge


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_difference_is_held_to_its_own_bound(parity: float, odds: float, bound: float) -> None:
    found = {"fairness": {"sex": {"demographic_parity": parity, "equalized_odds": odds}}}
    one = Gate(fairness=Fairness(columns=("sex",), equalized_odds=bound))
    assert [(check.name, check.passed) for check in judge(one, found)] == [("equalized_odds over sex", odds <= bound)]
    both = Gate(fairness=Fairness(columns=("sex",), equalized_odds=bound, demographic_parity=bound))
    assert [check.passed for check in judge(both, found)] == [parity <= bound, odds <= bound]
    assert judge(Gate(), found) == []
