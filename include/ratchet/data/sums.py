"""Find the few columns whose sum, difference or product a target is: least squares that leave nothing over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

MOST = 5  # columns of a sum; what more of them make up, any model may find
_ROWS = 4_000
_LEFT = 1e-6  # share of the target's variance that the sum may leave over


def total(parts: Mapping[str, Numbers], goal: Numbers) -> tuple[str, tuple[str, ...]]:
    """Say which two to five columns, times a factor each, add up to the target; nothing where none do."""
    chosen, factors = _fit(parts, goal)
    if len(chosen) < 2:
        return "", ()
    if np.allclose(np.abs(factors), abs(factors[0]), rtol=1e-3):
        size = "" if np.isclose(abs(factors[0]), 1, rtol=1e-3) else f", times {abs(factors[0]):.4g},"
        ordered = sorted(zip(factors, chosen, strict=True), key=lambda pair: -np.sign(pair[0]))
        said = " ".join(f"{'+' if factor > 0 else '-'} {name}" for factor, name in ordered)
        return said.removeprefix("+ ") + size, chosen
    said = " + ".join(f"{factor:.4g} * {name}" for factor, name in zip(factors, chosen, strict=True))
    return said.replace("+ -", "- "), chosen


def product(parts: Mapping[str, Numbers], goal: Numbers) -> tuple[str, tuple[str, ...]]:
    """Say which two to five columns, multiplied or divided, are the target; nothing where none are."""
    above = {name: np.log(values) for name, values in parts.items() if np.nanmin(values, initial=np.inf) > 0}
    if np.nanmin(goal, initial=np.inf) <= 0:
        return "", ()
    chosen, powers = _fit(above, np.log(goal))
    if len(chosen) < 2 or not np.allclose(np.abs(powers), 1, atol=1e-3):
        return "", ()
    ordered = sorted(zip(powers, chosen, strict=True), key=lambda pair: -np.sign(pair[0]))
    said = " ".join(f"{'*' if power > 0 else '/'} {name}" for power, name in ordered)
    return said.removeprefix("* "), chosen


def _fit(parts: Mapping[str, Numbers], goal: Numbers) -> tuple[tuple[str, ...], Numbers]:
    """Fit the target on all columns, then leave out each that is not needed. A mostly empty column is left out."""
    nothing = (), np.empty(0)
    usable = {name: values for name, values in parts.items() if np.isfinite(values).mean() > 0.5 and _varies(values)}
    if not usable or not _varies(goal):
        return nothing
    whole = np.stack([*usable.values(), goal], axis=1)
    whole = whole[np.isfinite(whole).all(axis=1)]
    if len(whole) > _ROWS:
        whole = whole[np.random.default_rng(0).choice(len(whole), _ROWS, replace=False)]
    if len(whole) < 20 + 5 * len(usable) or np.ptp(whole[:, -1]) == 0:
        return nothing
    whole = whole - whole.mean(axis=0)
    scales = np.maximum(whole.std(axis=0), 1e-300)
    scaled = whole / scales
    names, inputs, outputs = list(usable), scaled[:, :-1], scaled[:, -1]
    kept = list(range(len(names)))
    weights, left = _solve(inputs, outputs, kept)
    if left > _LEFT:
        return nothing
    for column in sorted(kept, key=lambda each: abs(weights[kept.index(each)])):
        rest = [each for each in kept if each != column]
        if rest and _solve(inputs, outputs, rest)[1] <= _LEFT:
            kept = rest
    if len(kept) > MOST:
        return nothing
    weights, _ = _solve(inputs, outputs, kept)
    return tuple(names[each] for each in kept), weights * scales[-1] / scales[kept]


def _solve(inputs: Numbers, outputs: Numbers, kept: list[int]) -> tuple[Numbers, float]:
    weights, *_ = np.linalg.lstsq(inputs[:, kept], outputs, rcond=None)
    return np.asarray(weights, np.float64), float(np.mean((outputs - inputs[:, kept] @ weights) ** 2))


def _varies(values: Numbers) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and bool(np.ptp(finite) > 0)
