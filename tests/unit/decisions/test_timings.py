"""Latencies of those who wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Gate
from ratchet.decisions import checks, timings
from tests.given.evaluations import training

GATE = Gate(latency_ms=10)


def test_a_night_measures_once_what_a_timing_keeps_waiting() -> None:
    slow = training("a", [], latency_ms=11.0, latency_wall_ms=30.0).evaluation
    assert timings.due(GATE, slow, "2013-01-20")
    assert not timings.due(Gate(), slow, "2013-01-20")
    again = timings.measured(slow, "2013-01-20", 12.0, 20.0)
    assert (again.latency_ms, again.latency_wall_ms, again.timings) == (11.0, 30.0, {"2013-01-20": 12.0})
    assert not timings.due(GATE, again, "2013-01-20")
    assert timings.due(GATE, again, "2013-01-21")
    quick = timings.measured(again, "2013-01-21", 9.0, 9.5)
    assert (quick.latency_ms, quick.latency_wall_ms) == (9.0, 9.5)
    assert not timings.due(GATE, quick, "2013-01-22")


@given(st.lists(st.floats(0.1, 100), min_size=1))
def test_the_best_of_all_counts(measured: list[float]) -> None:
    found = training("a", [], latency_ms=50.0).evaluation
    for number, each in enumerate(measured):
        found = timings.measured(found, f"night {number}", each, each)
    assert found.latency_ms == min(50.0, *measured)
    listed = checks.every(GATE, found.model_dump())
    assert [each.delays for each in listed if each.name == "latency_ms"] == [found.latency_ms > 10]


@pytest.mark.parametrize("size", [9.0, 11.0])
def test_what_is_refused_for_another_reason_is_not_kept_waiting(size: float) -> None:
    found = training("a", [], size_mb=size).evaluation
    assert not timings.due(Gate(size_mb=10), found, "2013-01-20")
