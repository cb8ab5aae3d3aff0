"""Latency and size of a model."""

from __future__ import annotations

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.limits import judge

FOUND = {"latency_ms": 20.0, "size_mb": 3.0}


def test_what_the_contract_bounds_is_judged_and_nothing_else() -> None:
    assert judge(Gate(), FOUND) == []
    assert [(c.name, c.passed) for c in judge(Gate(latency_ms=19, size_mb=3), FOUND)] == [
        ("latency_ms", False),
        ("size_mb", True),
    ]
