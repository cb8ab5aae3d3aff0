"""Absolute bounds on the metrics of the holdout."""

from __future__ import annotations

import math

import pytest

from ratchet.contract.rules import Bound, Gate
from ratchet.decisions.checks.floors import floors, judge


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_floor_on_an_undefined_metric_holds(value: float | None) -> None:
    metrics = {} if value is None else {"roc_auc": value}
    assert not floors(metrics, {"roc_auc": Bound(min=0.6)})[0].passed


def test_only_the_challengers_own_metrics_are_bounded() -> None:
    gate = Gate(floors={"mae": Bound(max=2.0), "r2": Bound(min=0.1, max=0.9)})
    found = {"metrics": {"challenger": {"mae": 2.5, "r2": 0.5}, "champion": {"mae": 0.0, "r2": 0.0}}}
    assert [(check.name, check.passed, check.number) for check in judge(gate, found)] == [
        ("mae", False, 2.5),
        ("r2", True, 0.5),
    ]
