"""Decide whether a challenger may replace the champion: absolute floors, then a paired comparison on the same rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.loop import Bound

Verdict = Literal["promote", "hold"]


@dataclass(frozen=True)
class Decision:
    """A verdict with its evidence.

    difference: challenger's loss less the champion's, mean over days, in the loss's units; negative is better.
    low, high: its confidence interval. All three are None where nothing was compared.
    """

    verdict: Verdict
    reason: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    days: int = 0


def decide(
    metrics: Mapping[str, float],
    floors: Mapping[str, Bound],
    differences: Sequence[float] | None,
    confidence: float,
) -> Decision:
    """Judge a challenger.

    metrics: of the challenger on the holdout. differences: for each whole day of the holdout that neither model was trained
    on, the mean over its rows of challenger's less champion's loss; None where there is no champion.
    Rows of one day share their weather, so days, not rows, are the units: a t interval over daily means (Student 1908).
    It assumes days alike and independent; with few days of holdout it is wide, and the verdict is then to hold.
    """
    broken = [text for name, bound in floors.items() if (text := _broken(name, metrics.get(name), bound))]
    if broken:
        return Decision("hold", f"held: {'; '.join(broken)}")
    if differences is None:
        return Decision("promote", "promoted: there is no champion yet, and every floor is met")
    finite = [d for d in differences if math.isfinite(d)]
    if len(finite) < len(differences):
        return Decision("hold", f"held: the loss is not a number on {len(differences) - len(finite)} of the holdout's days")
    if len(finite) < 2:
        return Decision("hold", f"held: {len(finite)} day of labels that neither model has seen; at least 2 are needed to compare")
    mean = math.fsum(finite) / len(finite)
    low, high = _interval(finite, mean, confidence)
    found = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}] over {len(finite)} days at {confidence:.0%}"
    if high < 0:
        return Decision("promote", f"promoted: loss against the champion {found}, all below zero", mean, low, high, len(finite))
    side = "above" if low > 0 else "not clear of"
    return Decision("hold", f"held: loss against the champion {found}, {side} zero", mean, low, high, len(finite))


def _broken(name: str, value: float | None, bound: Bound) -> str | None:
    if value is None or not math.isfinite(value):
        return f"{name} is undefined on this holdout, and has a floor"
    if bound.min is not None and value < bound.min:
        return f"{name} is {value:.4f}, below its floor {bound.min:g}"
    if bound.max is not None and value > bound.max:
        return f"{name} is {value:.4f}, above its ceiling {bound.max:g}"
    return None


def _interval(values: Sequence[float], mean: float, confidence: float) -> tuple[float, float]:
    from scipy import stats

    n = len(values)
    error = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    reach = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error
    return mean - reach, mean + reach
