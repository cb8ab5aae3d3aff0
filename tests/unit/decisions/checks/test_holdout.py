"""A challenger that carries its recipe's evidence on has to hold on its own days too."""

from __future__ import annotations

import pytest

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.holdout import judge

WORSE = [["2013-01-01", 10, 30.0, 0], ["2013-01-02", 10, 10.0, 0]]  # by 3 and by 1: by 2 in the mean


@pytest.mark.parametrize(("margin", "passed"), [(1.9, False), (2.1, True)])
def test_the_mean_of_its_own_days_is_held_to_the_margin(margin: float, passed: bool) -> None:
    gate = Gate(aim="non_inferior", margin=margin)
    (check,) = judge(gate, {"compared": WORSE, "carried": True})
    assert (check.passed, check.number) == (passed, 2.0)


@pytest.mark.parametrize("found", [{"compared": WORSE}, {"compared": [], "carried": True}, {"compared": None}])
def test_evidence_that_is_all_its_own_is_the_duels_to_judge(found: dict[str, object]) -> None:
    assert judge(Gate(), found) == []
