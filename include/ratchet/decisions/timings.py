"""Latencies of those who wait: which a night measures again, and what an evaluation then says."""

from __future__ import annotations

from ratchet.contract.rules import Gate
from ratchet.decisions.checks import limits
from ratchet.decisions.evaluation import Evaluation


def due(gate: Gate, found: Evaluation, night: str) -> bool:
    """Say whether a night has to measure a latency again: it keeps its model waiting, and this night has not yet."""
    slow = any(check.delays for check in limits.judge(gate, found.model_dump()))
    return slow and night not in found.timings


def measured(found: Evaluation, night: str, ms: float, wall_ms: float) -> Evaluation:
    """Add what a night has measured; the best of all counts. ms: by the reference. wall_ms: by the clock."""
    better = {"latency_ms": ms, "latency_wall_ms": wall_ms} if ms < found.latency_ms else {}
    return found.model_copy(update={**better, "timings": {**found.timings, night: ms}})
