"""Whether a challenger's time is up before a duel can promote it, or one that is as good as the champion."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.contract.rules import MARGIN
from ratchet.decisions import hypothesis, needed
from ratchet.decisions.needed import Needed, Past
from ratchet.errors import ContractError
from ratchet.text import counted


def mistakes(loop: Loop) -> Iterator[ContractError]:
    """Yield a patience that is too short whatever the days hold."""
    yield from too_short(loop, needed.needed(loop, needed.by_contract(loop), Past()))


def remarks(loop: Loop) -> Iterator[str]:
    """Yield that a challenger that is as good as the champion is out of time, whatever the days hold."""
    by = needed.by_contract(loop)
    count, most, unit = needed.equal(by), needed.reached(loop), by.cluster
    if not by.margin or count <= most:
        return
    takes = counted(int(count), unit) if math.isfinite(count) else "more than ten years"
    days = count * (7 if unit == "week" else 1) - 2 + loop.label_delay_days
    longer = f"patience_days at least {int(days)}, or " if math.isfinite(count) else ""
    wider = by.model_copy(update={"margin": MARGIN * by.bound})
    told = "" if by.margin >= wider.margin else f": with {wider.margin:.3g} it is {needed.equal(wider):g}"
    within = hypothesis.margin_words(loop)
    yield (
        f"two models that are equal on every {unit} need {takes} to hold within {within} at level {by.level:g}, and a "
        f"patience of {counted(loop.gate.patience, 'day')} leaves {counted(most, unit)}, so that only one that is "
        f"better is ever promoted. Make {longer}the margin wider{told}"
    )


def too_short(loop: Loop, found: Needed) -> Iterator[ContractError]:
    """Yield a patience that is shorter than what a duel needs, at its own line or at that of the margin."""
    if needed.short(loop, found):
        key = "patience_days" if "patience_days" in loop.gate.model_fields_set else "margin"
        yield fail(loop, ("gate", key), needed.words(loop, found))
