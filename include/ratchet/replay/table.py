"""What a replay came to: a line a policy, what hindsight could have had, and a recommendation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ratchet.replay import score
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.score import Outcome
from ratchet.reports.replay import Row


def rows(outcomes: Sequence[Outcome], best: Sequence[float], unit: str = "") -> list[Row]:
    """Make the table, the lowest loss first.

    Each policy is compared with the first of `outcomes`. best: of hindsight, by retrainings. unit: the contract's own.
    """
    tried = max(1, len(outcomes) - 1)
    found = [
        Row(
            each.name,
            each.loss,
            score.difference(each, outcomes[0]) if each is not outcomes[0] else (math.nan, math.nan, math.nan),
            float(np.nansum(each.losses)),
            each.retrainings,
            each.promotions,
            each.rollbacks,
            each.minutes,
            score.worst_week(each, outcomes),
            each.loss - best[min(each.retrainings, len(best) - 1)],
            unit,
            each.week if unit else None,
            score.saved(each, outcomes[0]) if unit and each is not outcomes[0] else None,
            score.difference(each, outcomes[0], 2 * score.LEVEL / tried)[2] if each is not outcomes[0] else None,
        )
        for each in outcomes
    ]
    return sorted(found, key=lambda row: row.loss)


def hindsight(history: History, outcomes: Sequence[Outcome], fits: Fits) -> list[float]:
    """Return the least live loss by number of retrainings.

    It is over all models that any of the policies deployed, kept as `score.daily` says.
    """
    if not outcomes[0].deployed:
        return [math.nan]
    nights = [night["night"] for night in outcomes[0].nights]
    first = outcomes[0].deployed[0]
    spans = [first, *sorted({span for each in outcomes for span in each.deployed} - {first})]
    data = history.now
    made = [fits.get(history.at(nights[0]) if span == first else data, *span) for span in spans]
    losses = score.daily(made, data, nights, score.kept(outcomes))
    served = np.array([night["rows"] for night in outcomes[0].nights], dtype=float)
    return score.hindsight(losses, served, max(each.retrainings for each in outcomes))


def cheapest(table: Sequence[Row], nights: int, cost: float) -> Row:
    """Return the policy that has cost least: live loss times days, and `cost` a retraining, in the same unit."""
    return min(table, key=lambda row: row.loss * nights + cost * row.retrainings)


def recommended(table: Sequence[Row], nights: int, cost: float) -> Row:
    """Return the policy that costs least of those that are proved to cost less than the present one; else that one.

    Together the bounds of all policies hold with probability 1 - `score.LEVEL` (Bonferroni, over those tried): the
    least of many is less by chance alone.
    """
    present = next(row for row in table if row.at_most is None)

    def proved(row: Row) -> bool:
        return row.at_most is not None and row.at_most * nights + cost * (row.retrainings - present.retrainings) < 0

    return cheapest([present, *filter(proved, table)], nights, cost)
