"""Judge a refit before it is deployed: what answers is another model than the one that was judged.

A refit has seen the days that it could be compared on, so no duel says anything of it. What can be asked of one model
alone is asked of it as it was of the evaluated model, on the same holdout; and it must not have gone another way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ratchet.contract.rules import DISTANCE, FEW, Gate
from ratchet.decisions.checks import behaviour, fairness, floors, limits, signature
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import load
from ratchet.decisions.entries import Terms
from ratchet.text import one_line

_ASKED = (floors, fairness, limits, signature, behaviour)  # of one model alone; its signature against the champion's
ERRORS = 2.0  # standard errors that a loss may be worse by, where the contract allows no margin
ALONE = 0.1  # share of the loss that it may be worse by, where one day has no standard error


def judge(gate: Gate, by: Terms | None, found: Mapping[str, Any], evaluated: Mapping[str, Any]) -> list[Check]:
    """Check a refit.

    by: the terms that have let the evaluated model win; None where it met nobody. found: its evaluation on that model's
    holdout, `compared` with it day by day, its `distance` from it, and how many rows that one has `learnt` from.
    evaluated: that model's own evaluation.
    """
    found = {**found, "signatures": [found["signatures"][0], *evaluated["signatures"][1:]]}
    listed = [check for module in _ASKED for check in module.judge(gate, found)]
    margin = by.margin if by else gate.margin or 0.0
    listed += [distance(gate, found["distance"], found["learnt"]), loss(margin, found, evaluated)]
    return [replace(check, name=f"refit: {check.name}") for check in listed]


def refusal(listed: Sequence[Check]) -> str:
    """Say why a refit is refused; empty where it is not."""
    return "; ".join(f"its refit: {one_line(check.text)}" for check in listed if check.forbids)


def delay(listed: Sequence[Check]) -> str:
    """Say why a refit waits; empty where it does not."""
    return "; ".join(f"its refit: {one_line(check.text)}" for check in listed if check.delays)


def failed(listed: Sequence[Check]) -> tuple[str, ...]:
    """Name what refuses a refit, for the ledger."""
    return tuple(check.name for check in listed if check.forbids)


def distance(gate: Gate, far: float, learnt: int) -> Check:
    """Check that a refit's predictions are near the evaluated model's. far: mean distance, in their deviations.

    learnt: rows that the evaluated model was trained on. Of few, a refit that is sound lies as far off as a constant or
    a model of shuffled targets, which its loss tells from it: so its distance is told, unless the contract names one.
    """
    most = gate.refit_distance or DISTANCE
    said = f"its predictions on the holdout are {far:.2f} deviations from the evaluated model's"
    if far <= most:
        return Check("distance", True, said, far, None, most)
    if gate.refit_distance is None and learnt < FEW and math.isfinite(far):
        text = f"{said}, which is told only: that model has learnt from {learnt:,} rows, and it takes {FEW:,}"
        return Check("distance", True, text, far, None, None)
    return Check("distance", False, f"{said}, beyond {most:g}", far if math.isfinite(far) else None, None, most)


def loss(margin: float, found: Mapping[str, Any], evaluated: Mapping[str, Any]) -> Check:
    """Check that a refit's mean loss is not worse than the evaluated model's by more than the margin.

    margin: in the loss's units; 0 where a challenger has to be better. It has learnt those days, and should do better
    on them. Where the contract allows no margin, being worse counts from two standard errors of the daily differences
    on: a fit is not the same to the last bit of its seed.
    """
    ours, theirs = float(found["challenger_loss"]), float(evaluated["challenger_loss"])
    most = margin or _noise([each.mean for each in load(found["compared"] or [])], theirs)
    worse = ours - theirs
    said = f"its loss on the holdout is {ours:.4f}, {worse:+.4f} against the evaluated model's"
    if worse <= most:
        return Check("loss", True, said, worse, None, most)
    return Check("loss", False, f"{said}, beyond {most:.4g}", worse if math.isfinite(worse) else None, None, most)


def _noise(daily: Sequence[float], scale: float) -> float:
    """Return what days alone make of a difference. scale: the evaluated model's loss."""
    if len(daily) < 2 or not all(map(math.isfinite, daily)):
        return ALONE * abs(scale)
    mean = math.fsum(daily) / len(daily)
    variance = math.fsum((each - mean) ** 2 for each in daily) / (len(daily) - 1)
    return ERRORS * math.sqrt(variance / len(daily))
