"""How many days a duel will need: said before anybody waits for it, from the daily differences that a loop has seen.

What a challenger of now will be worth nobody knows, but how much days differ a loop has seen. Its differences, each
duel's less their own mean, are drawn again and again into lives of a challenger that is as good as the champion (or
better by a stated effect, where that has to be proved), and each life's duel is fought as the loop's own.

Assumed: days to come differ as those seen did, and one by one: where bad days come in rows it takes longer. Not counted
is what earlier challengers of a line have lost, and what the anchor asks beside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.decisions import duel, hypothesis, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Terms
from ratchet.text import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

LIVES = 1000  # that are drawn
YEAR = 365  # days that a life is followed for
SEED = 7
LEAST = 7  # clusters that a history has to have: fewer days know not every day of the week
BETTER = 0.2  # of the bound: by how much a challenger is taken to be better, where it has to be


@dataclass(frozen=True)
class Past:
    """The daily differences that a loop has seen."""

    duels: tuple[tuple[Cluster, ...], ...] = ()  # the days of each
    own: bool = False  # whether they are between its models; else between first models and their baselines


@dataclass(frozen=True)
class Needed:
    """How many clusters a duel needs until a challenger is promoted."""

    by: Terms  # of the duel
    fewest: int  # whatever they hold
    history: int  # clusters that the rest is drawn from
    own: bool  # as in Past
    median: int | None = None  # None: more than a year; or the history is shorter than LEAST
    most: int | None = None  # nine challengers in ten need no more; None as above

    @property
    def effect(self) -> float:
        """Return by how much the challenger is better, in the loss's units; nothing where it need not be."""
        return 0.0 if self.by.margin else BETTER * self.by.bound


def past(gathered: Iterable[Gathered]) -> Past:
    """Return the differences of past duels; while there were none with a champion, of those with baselines."""
    seen = [*gathered]
    if own := tuple(each.days for each in seen if each.days):
        return Past(own, own=True)
    return Past(tuple(each.anchored for each in seen if each.anchored and shadows.trained_with(each.anchor)))


def by_contract(loop: Loop) -> Terms:
    """Return a duel's terms as far as the contract alone says them: those of a loss of 1 where they are shares of it.

    Where only the margin is said, the bound is the least that it may come to, by which the fewest days are needed.
    """
    return hypothesis.of_now(loop, 0.0 if loop.gate.margin else 1.0)


def equal(by: Terms) -> float:
    """Return how many clusters a duel needs of models that are equal in each; infinite where a decade is too short."""
    import numpy as np

    held = capital(np.zeros((1, 10 * YEAR)), margin=by.margin, bound=by.bound)[0]
    won = held >= -math.log(by.level)
    return float(won.argmax()) + 1 if won.any() else math.inf


def needed(loop: Loop, by: Terms, seen: Past) -> Needed:
    """Say how many clusters a duel needs by some terms. seen: differences in their loss. The same give the same."""
    import numpy as np

    grouped = ([each for each in hypothesis.grouped(loop, days) if each.rows] for days in seen.duels)
    duels = [clusters for clusters in grouped if len(clusters) > 1]  # one alone differs from nothing
    history = len({each.key for clusters in duels for each in clusters})
    found = Needed(by, duel.fewest(margin=by.margin, bound=by.bound, level=by.level), history, seen.own)
    if history < LEAST:
        return found
    length = YEAR // 7 if by.cluster == "week" else YEAR
    lives = np.random.default_rng(SEED).choice(_centred(duels, by.bound), (LIVES, length)) - found.effect
    won = capital(lives, margin=by.margin, bound=by.bound) >= -math.log(by.level)
    lost = capital(-lives, margin=-by.margin, bound=by.bound) >= -math.log(by.level)
    ends = won | lost
    first = ends.argmax(axis=1)  # the first that ends it; where none does, the first of all, which has not won
    promoted = won[np.arange(LIVES), first]
    counts = np.sort(np.where(promoted, first + 1.0, math.inf))
    median, most = (counts[math.ceil(share * LIVES) - 1] for share in (0.5, 0.9))
    return Needed(by, found.fewest, history, seen.own, _whole(median), _whole(most))


def capital(differences: Matrix, *, margin: float, bound: float) -> Matrix:
    """Return the log capital of the bettor on the rival after each cluster, of many duels at once.

    What `duel.curve` says of each. differences: (lives, clusters), in the loss's units. Returns the same shape.
    """
    import numpy as np

    clipped = np.clip(differences, -bound, bound)
    seen = np.cumsum(clipped**2, axis=1) - clipped**2 + (bound / duel.WIDTH) ** 2
    spread = duel.WIDTH * np.sqrt(seen / np.arange(1, clipped.shape[1] + 1))
    limit = np.minimum(bound, np.maximum(spread, 2 * abs(margin)))
    held = [
        np.cumsum(
            np.log1p(
                np.minimum(share / np.maximum(limit - margin, 1e-300), duel.MOST / (bound - margin))
                * (margin - clipped)
            ),
            axis=1,
        )
        for share in duel.BETS
    ]
    largest = np.maximum.reduce(held)
    mean: Matrix = largest + np.log(np.mean([np.exp(each - largest) for each in held], axis=0))
    return mean


def reached(loop: Loop) -> int:
    """Return how many clusters a challenger's evidence comes to at most before its time is up.

    Its patience counts from the first day of its holdout. It is looked at once more on the night that lets it go, and
    once after its first look, however long its holdout is.
    """
    days = max(loop.training.holdout_days + 1, loop.gate.patience + 2 - loop.label_delay_days)
    return -(-days // 7) if loop.gate.cluster == "week" else days


def short(loop: Loop, found: Needed) -> bool:
    """Say whether a challenger's time is up before most would be promoted; before any, where no more is known."""
    return reached(loop) < (found.fewest if found.history < LEAST else found.median or math.inf)


def words(loop: Loop, found: Needed) -> str:
    """Say it for a person, beside the patience that the contract has."""
    by, unit, patience = found.by, found.by.cluster, loop.gate.patience
    within = hypothesis.margin_words(loop) if by == by_contract(loop) else f"{by.margin:g}"
    aim = f"to hold within {within}" if by.margin else "to be proved better"
    aim += f" at level {by.level:g}"
    whose = "of this loop's own duels" if found.own else "against the baseline"
    seen = f"{counted(found.history, unit)} {whose}"
    if found.history < LEAST:
        few = f", and {seen} are too few to say how many more" if found.history else ""
        told = f"A duel needs at least {counted(found.fewest, unit)}, whatever they hold, {aim}{few}"
    else:
        who = f"better by {found.effect:.3g}, a fifth of the bound," if found.effect else "as good as the champion"
        median = "over a year" if found.median is None else f"about {counted(found.median, unit)}"
        most = "over a year" if found.most is None else f"{found.most}"
        spread = "" if found.median is None else f" ({most} in nine of ten)"
        told = f"A challenger {who} will need {median}{spread} {aim}, by {seen}"
    if not short(loop, found):
        return f"{told}; patience_days is {patience}"
    whom = "" if reached(loop) < found.fewest else " about most of them"
    return f"{told}; so a patience of {counted(patience, 'day')} decides nothing{whom}{_remedy(loop, found)}"


def _remedy(loop: Loop, found: Needed) -> str:
    """Say which patience, or holdout, would do."""
    clusters = found.fewest if found.history < LEAST else found.median
    if clusters is None:
        return ""
    days = clusters * (7 if found.by.cluster == "week" else 1)
    return (
        f". It counts from the first day of a challenger's holdout: make patience_days at least "
        f"{days - 2 + loop.label_delay_days}, or holdout_days {days - 1}"
    )


def _centred(duels: Sequence[Sequence[Cluster]], bound: float) -> Matrix:
    """Return the clipped differences of all duels, each duel's less their mean.

    That takes a part of their spread with it, one cluster's in so many, which is given back.
    """
    import numpy as np

    found = []
    for clusters in duels:
        values = np.clip([each.mean for each in clusters], -bound, bound)
        found.append((values - values.mean()) * math.sqrt(len(values) / (len(values) - 1)))
    return np.concatenate(found)


def _whole(count: float) -> int | None:
    return int(count) if math.isfinite(count) else None
