"""The price of a stale champion, learnt from past duels.

How much a model that has seen more has won over one that has seen less.

A learning curve falls as a power of the rows (Hestness et al. 2017, "Deep Learning Scaling is Predictable,
Empirically", section 2), so the loss that a champion has in excess of a fresh fit grows with the logarithm of the rows
that it lacks. Its slope is learnt from the ledger's duels, by least squares towards a prior (ridge; Hoerl & Kennard
1970), the latest duels counting most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import Entries, Judged
from ratchet.partitions import days_between

EXPONENT = 0.07  # of the prior's power law: the flattest of those that Hestness et al. found
WEIGHT = 1.0  # of the prior: as a hundred days of duels between a model and one that lacks a tenth of its rows
HALF_LIFE = 90.0  # days after which a duel counts half: the curve flattens, the world moves


@dataclass(frozen=True)
class Compared:
    """A past duel's first look."""

    day: str  # its last
    gain: float  # mean loss of the older model less the fresher's
    clusters: int  # days that were compared
    news: float  # `news` between the two


def news(rows: float, new: float) -> float:
    """Measure what a model has missed: the logarithm of all rows over the rows it was trained on."""
    return math.log1p(max(new, 0.0) / rows) if rows > 0 else 0.0


def slope(past: Sequence[Compared], loss: float, today: str) -> float:
    """Return the excess loss a unit of news, never negative. loss: the champion's own, the prior's scale."""
    prior = EXPONENT * abs(loss)
    above, below = WEIGHT * prior, WEIGHT
    for each in past:
        if math.isfinite(each.gain) and each.day <= today:
            weight = each.clusters * 0.5 ** (days_between(each.day, today) / HALF_LIFE)
            above += weight * each.gain * each.news
            below += weight * each.news**2
    return max(0.0, above / below)


def past(entries: Entries, loss: str) -> list[Compared]:
    """Read the first looks of a loop's duels from its ledger.

    loss: that they are in. Those in another are left out; those that do not say, of older ledgers, are not.
    """
    judged = (entry for entry in entries if isinstance(entry, Judged))
    fitting = (entry for entry in judged if entry.terms is None or entry.terms.loss == loss)
    return [Compared(**entry.first) for entry in fitting if entry.first]


def path(counts: Mapping[str, int], trained: str, until: str) -> list[float]:
    """Return the news of a model on each day after its last up to `until`.

    counts: day -> rows; trained: its days, as first..last.
    """
    first, _, last = trained.partition("..")
    rows = float(sum(n for day, n in counts.items() if first <= day <= last))
    found, new = [], 0
    for day in sorted(day for day in counts if last < day <= until):
        new += counts[day]
        found.append(news(rows, new))
    return found


def first_look(
    counts: Mapping[str, int], compared: Sequence[Cluster], stood: Mapping[str, str], trained: str
) -> dict[str, Any] | None:
    """Sum up a duel's first look for the ledger, as `Compared` reads it; None where it teaches nothing.

    compared: the challenger's own held-out days. stood: day -> days that the champion's model was trained on which
    stood there; trained: days that the challenger was.
    """
    until = trained.partition("..")[2]
    paths = {
        each.key: path(counts, stood[each.key], until) for each in compared if each.rows and math.isfinite(each.mean)
    }
    fresher = [each for each in compared if paths.get(each.key)]
    if not fresher:
        return None
    gain = -math.fsum(each.mean for each in fresher) / len(fresher)
    missed = math.fsum(paths[each.key][-1] for each in fresher) / len(fresher)
    return {"day": max(each.key for each in fresher), "gain": gain, "clusters": len(fresher), "news": missed}
