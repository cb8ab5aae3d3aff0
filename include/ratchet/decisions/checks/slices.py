"""Groups of rows in which a challenger must not be worse than the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Cluster, load


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the slices of a gate."""
    if not gate.slices:
        return []
    sliced = {name: load(days) for name, days in found["slices"].items()}
    return slices(sliced, gate.slices.margin, gate.slices.level)


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
