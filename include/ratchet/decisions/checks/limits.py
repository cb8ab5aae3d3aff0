"""Latency and size of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check, within


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check what the contract bounds of the two."""
    bounds = {"latency_ms": gate.latency_ms, "size_mb": gate.size_mb}
    return [within(name, found[name], high=most) for name, most in bounds.items() if most is not None]
