"""Vetoes: what forbids a promotion whatever the duel says. Each is a number beside its bound, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratchet.contract.rules import Bound
from ratchet.decisions.duel import Cluster


@dataclass(frozen=True)
class Check:
    """One check. number: what was found, None where it is undefined; low, high: within which it passes."""

    name: str
    passed: bool
    text: str
    number: float | None = None
    low: float | None = None
    high: float | None = None


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


def slices(found: Mapping[str, Sequence[Cluster]], margin: float, level: float) -> list[Check]:
    """Check that the challenger is in no slice worse than the champion by more than the margin.

    found: slice -> its clusters' differences. A one-sided t-test over cluster means (Student 1908) against "worse by at
    most the margin", at `level` over all slices together (Holm 1979). A slice of fewer than two clusters, or without a
    finite difference, is told by its mean.
    """
    means = {name: [c.mean for c in clusters if c.rows] for name, clusters in found.items()}
    means = {name: values for name, values in means.items() if values}
    p = {name: _worse(values, margin) for name, values in means.items()}
    worse = _holm(p, level)
    checks = []
    for name, values in means.items():
        mean = (
            math.fsum(values) / len(values)
            if all(map(math.isfinite, values))
            else math.inf
            if math.inf in values
            else -math.inf
        )
        text = f"{name}: {mean:+.4f} against the champion over {len(values)} clusters"
        if name in worse:
            text += f", worse than by {margin:g} (p {p[name]:.2g}, Holm over {len(p)} slices)"
        checks.append(Check(name, name not in worse, text, mean if math.isfinite(mean) else None, None, margin))
    return checks


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
        checks.append(Check(name, passed, text, change if finite else None, None, tolerance))
    return checks


def signature(ours: Mapping[str, str], theirs: Mapping[str, str], outputs: tuple[object, object]) -> Check:
    """Check that whoever can call the champion can call the challenger.

    It needs no other input, and answers in the same form.

    ours, theirs: input -> kind, of challenger and champion. outputs: the form of their answers.
    """
    broken = [f"needs {name} ({kind})" for name, kind in ours.items() if theirs.get(name) != kind]
    if outputs[0] != outputs[1]:
        broken.append(f"answers with {outputs[0]} in place of {outputs[1]}")
    if broken:
        return Check(
            "signature",
            False,
            f"signature: the challenger {', '.join(broken)}; set gate.signature: any where that is meant",
        )
    return Check("signature", True, "signature: compatible with the champion's")


def _worse(values: Sequence[float], margin: float) -> float:
    """Return the p value of "the mean is at most the margin"."""
    from scipy import stats

    if not all(map(math.isfinite, values)):
        return 0.0 if sum(v == math.inf for v in values) > sum(v == -math.inf for v in values) else 1.0
    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n) if n > 1 else 0.0
    if spread < 1e-12:
        return 0.0 if mean > margin else 1.0
    return float(stats.t.sf((mean - margin) / spread, n - 1))


def _holm(p: Mapping[str, float], level: float) -> set[str]:
    """Return the hypotheses that Holm's procedure rejects."""
    rejected = set()
    for i, name in enumerate(sorted(p, key=lambda each: p[each])):
        if p[name] > level / (len(p) - i):
            break
        rejected.add(name)
    return rejected
