"""A retraining where the champion's live loss has risen above its own holdout's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ratchet.contract.part import Part
from ratchet.contract.rules import VALUE, Level
from ratchet.decisions import duel
from ratchet.decisions.duel import Cluster
from ratchet.decisions.policies.facts import NightFacts


class Options(Part):
    """A retraining where the champion's live loss has risen above its own holdout's."""

    margin: Annotated[float, Field(ge=0)] = Field(default=0.05, description="Relative rise that is no degradation.")
    level: Level = Field(default=0.05, description="Share of unharmed champions that may cause a false alarm, ever.")


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask where the live loss has risen above the holdout's by more than a margin.

    At most `level` of unharmed champions ever cause it.

    After Podkopaev & Ramdas 2022, "Tracking the risk of a deployed model and detecting harmful distribution shifts",
    section 2.2: an upper bound of the source's risk at half the level, a time-uniform test of the live risk against it
    at the other half. The bound is Student's over the holdout's days, the test the duel's bettor. Days whose labels
    have not come count with their estimated loss where labels alone do not say.
    """
    if silence(facts) or len(facts.holdout) < 2 or (not facts.live and not facts.estimated):
        return None
    bound = _upper(facts.holdout, options.level / 2)
    margin = options.margin * abs(math.fsum(facts.holdout) / len(facts.holdout))
    widest = max(abs(bound), 3 * margin, 1e-9)

    def capital(days: dict[str, float]) -> float:
        """Return the log capital of the bettor on "the live loss exceeds the bound by more than the margin"."""
        clusters = [Cluster(day, 1, bound - loss) for day, loss in sorted(days.items()) if math.isfinite(loss)]
        return duel.curve(clusters, margin=-margin, bound=widest)[-1][0] if clusters else 0.0

    needed = math.log(2 / options.level)
    above = f"above the {bound:.4f} that its holdout bounds it by, and {options.margin:.0%}"
    if capital(facts.live) >= needed:
        return f"degradation: {_mean(facts.live)}, {above}"
    if facts.estimated and capital(facts.live | facts.estimated) >= needed:
        found = f"{_mean(facts.live | facts.estimated)}, {len(facts.estimated)} of them estimated without labels"
        return f"degradation: {found}, {above}"
    return None


def silence(facts: NightFacts) -> str:
    """Say why nothing is asked whatever live losses are; nothing where it is not so.

    After a change of `gate.loss` the holdout's losses are in another unit than the live ones of now.
    """
    if not facts.loss or facts.judged_in in ("", facts.loss):
        return ""
    return (
        "Degradation is not looked for: the champion's holdout was measured in "
        f"{_words(facts.judged_in)}, and there is none "
        f"in {_words(facts.loss, facts.loss_words)} until the next champion's evaluation"
    )


def _words(loss: str, words: str = "") -> str:
    """Return a loss in words. Of a value that a contract named before, and this one does not, the unit is not known."""
    return words or ("an earlier gate.value" if loss.startswith(f"{VALUE}:") else loss)


def _mean(days: dict[str, float]) -> str:
    known = [loss for loss in days.values() if math.isfinite(loss)]
    return f"live loss {math.fsum(known) / len(known):.4f} over {len(known)} days"


def _upper(values: Sequence[float], level: float) -> float:
    """Return Student's upper confidence bound of a mean."""
    from scipy import stats

    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return mean + float(stats.t.isf(level, n - 1)) * spread
