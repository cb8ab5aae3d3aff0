"""All checks of a gate together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ratchet.contract.rules import Bound, Fairness, Gate, Slices
from ratchet.decisions import checks
from ratchet.decisions.checks.check import Check

GATE = Gate(
    floors={"mae": Bound(max=2.0)},
    slices=Slices(columns=("origin",)),
    fairness=Fairness(columns=("sex",), demographic_parity=0.2),
    latency_ms=10,
    size_mb=10,
)
GOOD: dict[str, Any] = {
    "metrics": {"challenger": {"mae": 1.0}},
    "unaccepted": {},
    "compared": [["2013-01-01", 10, -1.0, 0]],
    "slices": {"origin=JFK": [["2013-01-01", 10, -1.0, 0], ["2013-01-02", 10, -1.0, 0]]},
    "fairness": {"sex": {"demographic_parity": 0.1, "equalized_odds": 0.9}},
    "latency_ms": 1.0,
    "size_mb": 1.0,
    "signatures": [{"inputs": {}, "outputs": ["x"]}, {"inputs": {}, "outputs": ["x"]}],
    "behaviour": {"up": (0.1, 0.2, "higher", 0.0)},
}


def test_a_good_challenger_passes_every_check() -> None:
    found = checks.every(GATE, GOOD)
    assert [check.name for check in found if not check.passed] == []
    assert len(found) == 8


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"metrics": {"challenger": {"mae": 3.0}}}, "mae"),
        ({"unaccepted": {"2013-01-01": "broken"}}, "data"),
        ({"slices": {"origin=JFK": [["a", 9, 900.0, 0], ["b", 9, 900.0, 0]]}}, "origin=JFK"),
        ({"fairness": {"sex": {"demographic_parity": 0.3}}}, "demographic_parity over sex"),
        ({"latency_ms": 11.0}, "latency_ms"),
        ({"size_mb": 11.0}, "size_mb"),
        ({"signatures": [{"inputs": {"a": "number"}, "outputs": []}, {"inputs": {}, "outputs": []}]}, "signature"),
        ({"behaviour": {"up": (0.2, 0.1, "higher", 0.0)}}, "up"),
    ],
)
def test_each_check_forbids_by_its_own_number(changed: dict[str, Any], name: str) -> None:
    found = checks.every(GATE, {**GOOD, **changed})
    assert [check.name for check in found if not check.passed] == [name]


def test_a_check_of_the_loops_own_is_asked_and_comes_last() -> None:
    seen: list[Mapping[str, Any]] = []

    def judge(found: Mapping[str, Any]) -> list[Check]:
        seen.append(found)
        return [Check("mine", False, "no")]

    assert checks.every(GATE, GOOD, own=[judge])[-1].name == "mine"
    assert seen == [GOOD]
