"""Groups of rows in which a challenger must not be worse than the champion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ratchet.contract.rules import Gate, Slices, Undefined
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Cluster, load


def judge(gate: Gate, found: Mapping[str, Any]) -> list[Check]:
    """Check the slices of a gate."""
    if not gate.slices:
        return []
    sliced = {name: load(days) for name, days in found["slices"].items()}
    listed = slices(sliced, gate.slices.margin, gate.slices.level, gate.slices.undefined)
    return [*listed, *_small(gate.slices, found.get("small_slices") or {}, sliced)]


def slices(
    found: Mapping[str, Sequence[Cluster]], margin: float, level: float, undefined: Undefined = "forbid"
) -> list[Check]:
    """Check that the challenger is in no slice worse than the champion by more than the margin.

    found: slice -> its clusters' differences. A one-sided t-test over cluster means (Student 1908) against "worse by at
    most the margin", at `level` over all slices together (Holm 1979). A slice of fewer than two clusters, or without a
    finite difference, is undefined: it forbids, or is told.
    """
    means = {name: [c.mean for c in clusters if c.rows] for name, clusters in found.items()}
    means = {name: values for name, values in means.items() if values}
    p = {name: _worse(values, margin) for name, values in means.items() if _judged(values)}
    worse, tell = _holm(p, level), undefined == "tell"
    checks = []
    for name, values in means.items():
        if name not in p:
            why = "one cluster only" if len(values) == 1 else f"no finite difference over {len(values)} clusters"
            checks.append(Check(name, tell, f"{name}: undefined: {why}", None, None, margin, told=tell))
            continue
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


def _judged(values: Sequence[float]) -> bool:
    """Say whether a slice can be judged. One where only the challenger has no finite loss is worse, and not undefined.

    A slice of too few rows cannot be either: a sign test over seven days comes to a p of 0.008 at best, which Holm
    refuses from seven slices on, and is of the median, where losses are skewed and it is their mean that counts.
    """
    finite = [value for value in values if math.isfinite(value)]
    return len(values) > 1 and bool(finite or values.count(math.inf) > values.count(-math.inf))


def _small(rule: Slices, few: Mapping[str, Mapping[str, int]], sliced: Mapping[str, Any]) -> Iterator[Check]:
    """Tell the levels of too few rows; a column that has no other is undefined."""
    for column, levels in few.items():
        told = ", ".join(f"{level} ({rows:,} rows)" for level, rows in levels.items())
        if not any(name.startswith(f"{column}=") for name in sliced):
            tell = rule.undefined == "tell"
            text = f"slices of {column} are undefined: no level has {rule.rows:,} rows; there is {told or 'none'}"
            yield Check(f"slices of {column}", tell, text, told=tell)
        elif levels:
            text = f"{column}: of fewer than {rule.rows:,} rows, and not judged: {told}"
            yield Check(f"small slices of {column}", True, text, told=True)


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
