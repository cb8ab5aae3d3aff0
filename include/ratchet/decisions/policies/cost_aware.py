"""A retraining where staleness will have cost more than it."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from ratchet.contract.part import Part
from ratchet.decisions import staleness
from ratchet.decisions.policies.facts import NightFacts


class Options(Part):
    """A retraining where staleness will have cost more than it."""

    cost: Annotated[float, Field(gt=0)] = Field(description="Price of a retraining, in the loss's units times days.")


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask where what staleness will have cost by the next look exceeds the price of a retraining.

    Both are in the loss's units times days. The rule of the ski rental: buy when the rent has come to the price (Karlin
    et al. 1988, "Competitive snoopy caching", section 2). Where the excess grows evenly it is also the interval that
    costs least. What a stale day costs is learnt (`staleness`); compare CARA (arXiv 2310.04216) and UPF (arXiv
    2505.14903).
    """
    if not facts.holdout or not facts.news:
        return None
    slope = staleness.slope(facts.past, math.fsum(facts.holdout) / len(facts.holdout), facts.partition)
    cost = slope * math.fsum([*facts.news, facts.news[-1]])
    if cost < options.cost:
        return None
    days = len(facts.news)
    return (
        f"cost: {days} stale days will have cost {cost:.4f} (loss times days) by the next look, "
        f"above {options.cost:g} for a retraining"
    )
