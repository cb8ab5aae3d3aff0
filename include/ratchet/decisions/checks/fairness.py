"""Groups of people are treated alike, up to the bounds of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check, within


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the differences between the most and the least favoured level of each column."""
    listed: list[Check] = []
    for column, differences in found["fairness"].items() if gate.fairness else ():
        listed += [
            within(f"{name} over {column}", differences[name], high=bound)
            for name in ("demographic_parity", "equalized_odds")
            if (bound := getattr(gate.fairness, name)) is not None
        ]
    return listed
