"""Behavioural tests: how a prediction has to answer to a change of its row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the behavioural tests of a loop."""
    return behaviour({name: tuple(result) for name, result in found["behaviour"].items()})


def behaviour(results: Mapping[str, tuple[float, float, str, float]]) -> list[Check]:
    """Check behavioural tests: name -> (prediction, prediction after the change, same|higher|lower, tolerance).

    Invariance and directional expectation tests of Ribeiro et al. 2020 ("Beyond Accuracy", section 2.2).
    """
    checks = []
    for name, (before, after, expected, tolerance) in results.items():
        change = after - before
        finite = math.isfinite(change)
        passed = (
            finite
            and {"same": abs(change) <= tolerance, "higher": change >= -tolerance, "lower": change <= tolerance}[
                expected
            ]
        )
        text = f"{name}: {before:.4f} becomes {after:.4f}, expected {expected} (tolerance {tolerance:g})"
        low = None if expected == "lower" else 0.0 - tolerance  # and never a minus nought
        high = None if expected == "higher" else tolerance
        checks.append(Check(name, passed, text, change if finite else None, low, high))
    return checks
