"""One check: what was found beside what is allowed, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check."""

    name: str
    passed: bool
    text: str  # what was found, in words
    number: float | None = None  # what was found; None where it is undefined
    low: float | None = None  # least that passes
    high: float | None = None  # most that passes
    told: bool = False  # nothing was judged: it is for a reader to know
    waits: bool = False  # where it does not pass, the challenger waits, and is not refused: a timing

    @property
    def forbids(self) -> bool:
        """Say whether it refuses the challenger."""
        return not (self.passed or self.waits)

    @property
    def delays(self) -> bool:
        """Say whether it lets the challenger wait."""
        return self.waits and not self.passed


def within(
    name: str, value: float | None, *, low: float | None = None, high: float | None = None, undefined: str = ""
) -> Check:
    """Check that a number lies within its bounds."""
    if value is None or not math.isfinite(value):
        return Check(name, False, undefined or f"{name} is undefined", None, low, high)
    if low is not None and value < low:
        return Check(name, False, f"{name} is {value:.4f}, below its floor {low:g}", value, low, high)
    if high is not None and value > high:
        return Check(name, False, f"{name} is {value:.4f}, above its ceiling {high:g}", value, low, high)
    return Check(name, True, f"{name} is {value:.4f}", value, low, high)
