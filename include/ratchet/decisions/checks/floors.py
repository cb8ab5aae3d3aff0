"""Absolute bounds on the metrics of the holdout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Bound, Gate
from ratchet.decisions.checks.check import Check, within


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the floors of a gate."""
    return floors(found["metrics"]["challenger"], gate.floors)


def floors(metrics: Mapping[str, float], bounds: Mapping[str, Bound]) -> list[Check]:
    """Check metrics of the holdout against absolute bounds. A metric that is undefined on the holdout does not pass."""
    found = []
    for name, bound in bounds.items():
        value = metrics.get(name)
        found.append(
            within(
                name,
                value,
                low=bound.min,
                high=bound.max,
                undefined=f"{name} is undefined on this holdout, and has a floor",
            )
        )
    return found
