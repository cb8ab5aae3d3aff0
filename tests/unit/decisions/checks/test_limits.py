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


def test_a_size_refuses_and_a_timing_lets_wait() -> None:
    slow, big = judge(Gate(latency_ms=19, size_mb=2), {**FOUND, "latency_wall_ms": 41.2})
    assert (slow.forbids, slow.delays) == (False, True)
    assert "latency_ms is 20.0000, above its ceiling 19 (41.2 ms by the clock); it is measured again" in slow.text
    assert (big.forbids, big.delays) == (True, False)
    quick = judge(Gate(latency_ms=21), FOUND)[0]
    assert (quick.forbids, quick.delays, quick.text) == (False, False, "latency_ms is 20.0000")
