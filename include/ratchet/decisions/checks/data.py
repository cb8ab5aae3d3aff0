"""No delivery in the window of a training was rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the days that a challenger was trained and judged on."""
    rejected = found["unaccepted"]
    if not rejected:
        return [Check("data", True, "no delivery in its window was rejected", 0, None, 0)]
    why = "; ".join(f"{day}: {reason}" for day, reason in sorted(rejected.items()))
    return [Check("data", False, f"rejected deliveries in its window ({why})", len(rejected), None, 0)]
