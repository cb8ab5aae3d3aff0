"""Whether the bound of a duel is one that a day can come to."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ratchet.contract.loop import Loop
from ratchet.contract.rules import VALUE
from ratchet.training.metrics import EPSILON

_MOST = {"brier": 1.0, "log_loss": -math.log(EPSILON)}  # that a row of a binary task can cost


def remarks(loop: Loop) -> Iterator[str]:
    """Yield that a bound is more than two models can differ by: no mistake, but it is paid for in days."""
    gate, value, most, why = loop.gate, loop.gate.value, math.inf, ""
    least = 2 * (gate.margin or 0.0)  # a margin that follows from the bound goes with it
    if loop.loss == VALUE and value is not None and value.costs is not None:
        most, why = value.spread, f"{value.unit} (gate.value.costs)"
    elif loop.loss in _MOST:
        most, why = _MOST[loop.loss], f"({loop.loss})"
    if gate.bound is not None and least < most < gate.bound:
        yield (
            f"gate.bound is {gate.bound:g}, and two answers to a row never differ by more than {most:.3g} {why}, "
            f"so that it clips nothing and only makes each duel longer. Make it {most:.3g}"
        )
