"""Champion against rival on the same rows: evidence that may be looked at every night, in both directions.

The evidence is an e-process for the mean of a bounded variable, by betting (Waudby-Smith & Ramdas 2024, "Estimating
means of bounded random variables by betting", section 4: capital processes; section 4.4 and appendix C: a bet spread
over a grid). Let d be the mean over one cluster's rows of rival's less champion's loss, clipped to +-bound. Against the
hypothesis that d is not below the margin on average, a bettor with one unit multiplies it by 1 + bet * (margin - d) at
each cluster. While the hypothesis holds the capital is a nonnegative supermartingale, so by Ville's inequality it ever
reaches 1/level with probability at most `level`, however often one looks. A second bettor bets the other way, so that
exchanging the models (and the margin's sign) exchanges the verdicts.

Across the challengers of a loop the levels are those of e-LOND (Xu & Ramdas 2024, "Online multiple testing with
e-values", section 3), which controls the false discovery rate whatever the dependence between challengers; theirs
overlap.

Assumed: given the clusters before it, a cluster's expected clipped difference obeys the hypothesis. Rows of one cluster
may depend on each other in any way. What breaks it: days that either model was trained on; a bound or margin chosen
after looking; a rival so rarely but so badly wrong that clipping hides it (slices and floors are vetoed beside the duel
for that reason).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

Verdict = Literal["promote", "reject", "wait"]

BETS = (0.1, 0.3, 0.9)  # shares of the largest bet that cannot lose more than all; the capital is spread evenly
WIDTH = (
    4.0  # root mean squares of the differences so far, to which the next is clipped: of normal differences 1 in 16,000
)
_SUM = 2.11  # of 1/((n+1) ln(n+1)^2) over n = 1, 2, ...: the levels of a stream sum to at most one
_FAR = 3650  # clusters: beyond this, "how many more" is not said
_NONE = [0.0] * len(BETS)


@dataclass(frozen=True)
class Cluster:
    """The rows of one cluster, a day by default."""

    key: str
    rows: int
    total: float  # rival's less champion's loss, in its units, over the rows where both are finite
    undefined: int = 0  # rows where only the rival's loss is not finite, less those where only the champion's is not

    @property
    def mean(self) -> float:
        """The mean difference; infinite where more rows of one model than of the other have no finite loss."""
        return math.copysign(math.inf, self.undefined) if self.undefined else self.total / self.rows


@dataclass(frozen=True)
class Evidence:
    """What a duel has come to."""

    verdict: Verdict
    rival: float  # natural logarithm of the capital of the bettor on the rival
    champion: float  # the same, of the bettor on the champion
    needed: float  # the logarithm of the capital that decides
    difference: float  # mean over clusters of the clipped differences, in the loss's units
    low: float  # its confidence sequence, both sides together at the duel's level, from low ...
    high: float  # ... to high
    clusters: int
    more: int | None  # clusters that would decide at the effect seen so far; None where nothing points to a decision


def cluster(keys: Sequence[str] | NDArray[np.str_], rival: Vector, champion: Vector) -> list[Cluster]:
    """Average row losses by cluster. keys, rival, champion: (n,), in any order. Returns the clusters sorted by key."""
    import numpy as np

    names, index = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    ours, theirs = np.isfinite(rival), np.isfinite(champion)
    both = ours & theirs
    difference = np.where(both, np.where(both, rival, 0.0) - np.where(both, champion, 0.0), 0.0)
    undefined = theirs.astype(int) - ours.astype(int)
    found = []
    for i, name in enumerate(names):
        rows = index == i
        found.append(Cluster(str(name), int(rows.sum()), math.fsum(difference[rows]), int(undefined[rows].sum())))
    return found


def merge(*parts: Iterable[Cluster]) -> list[Cluster]:
    """Join evidence that came in parts: clusters of the same key become one."""
    held: dict[str, list[Cluster]] = {}
    for part in parts:
        for each in part:
            held.setdefault(each.key, []).append(each)
    return [
        Cluster(key, sum(c.rows for c in same), math.fsum(c.total for c in same), sum(c.undefined for c in same))
        for key, same in sorted(held.items())
    ]


def seen(day: str, until: str) -> bool:
    """Say whether a model that was trained up to a day has seen another: what it says of that one is no evidence."""
    return day <= until


def due(
    known: Sequence[Cluster], published: Sequence[str], until: str, corrected: Collection[str]
) -> tuple[list[Cluster], list[str]]:
    """Say what stays of a challenger's evidence, and which days are to be compared now: new ones, and corrected ones.

    published: days from the first of its holdout on, to the last with labels. until: the last of its holdout.
    """
    again = {each.key for each in known} & {*corrected} & {*published}
    kept = [each for each in known if each.key not in again]
    keys = {each.key for each in kept}
    return kept, [day for day in published if day in again or (day > until and day not in keys)]


def exchange(clusters: Iterable[Cluster]) -> list[Cluster]:
    """Let rival and champion change places."""
    return [Cluster(c.key, c.rows, -c.total, -c.undefined) for c in clusters]


def dump(days: Sequence[Cluster]) -> list[list[Any]]:
    """Return clusters as plain JSON."""
    return [[each.key, each.rows, each.total, each.undefined] for each in days]


def load(content: Sequence[Sequence[Any]]) -> list[Cluster]:
    """Read what `dump` gave."""
    return [Cluster(str(key), int(rows), float(total), int(undefined)) for key, rows, total, undefined in content]


def judge(clusters: Sequence[Cluster], *, margin: float, bound: float, level: float) -> Evidence:
    """Judge a rival, at any time.

    margin: how much worse than the champion the rival may be (0: it has to be better). bound: what a cluster's
    difference is clipped to at most. Both in the loss's units, margin less than half of bound. level: probability of a
    false promotion, and of a false rejection, in (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1; found {level}")
    needed = -math.log(level)
    clipped = _clip(clusters, margin, bound)
    *_, (rival, champion) = [(_NONE, _NONE), *_bet(clipped, margin)]
    mean = math.fsum(d for d, _ in clipped) / len(clipped) if clipped else 0.0
    low, high = _interval(clipped, bound, level)
    verdict: Verdict = "promote" if _log(rival) >= needed else "reject" if _log(champion) >= needed else "wait"
    more = [m for m in (_more(rival, len(clipped), needed), _more(champion, len(clipped), needed)) if m is not None]
    return Evidence(
        verdict, _log(rival), _log(champion), needed, mean, low, high, len(clipped), min(more, default=None)
    )


def curve(clusters: Sequence[Cluster], *, margin: float, bound: float) -> list[tuple[float, float]]:
    """Return the two bettors' log capital after each cluster: (rival's, champion's)."""
    return [(_log(rival), _log(champion)) for rival, champion in _bet(_clip(clusters, margin, bound), margin)]


def level(alpha: float, index: int, promotions: int) -> float:
    """Return the e-LOND level of the `index`-th challenger (from 1) after so many promotions.

    At most a share `alpha` of promotions is false in expectation: a promoted challenger's level is at most alpha *
    g(index) * R where R is the final number of promotions, its capital is at most 1 in expectation at any stopping
    time, and g sums to one. The level may rise with promotions that come while the challenger waits, for the same
    reason.
    """
    return min(0.5, alpha * (promotions + 1) / (_SUM * (index + 1) * math.log(index + 1) ** 2))


def _clip(clusters: Sequence[Cluster], margin: float, bound: float) -> list[tuple[float, float]]:
    """Clip each cluster's difference by what was seen before it: (difference, the bound it was clipped to).

    The bound starts at `bound`, and narrows to WIDTH times the root mean square of the differences so far. It is known
    before its cluster is, so that the capital stays a supermartingale; the narrower it is, the more a bettor may stake.
    """
    if not 0 <= 2 * abs(margin) < bound < math.inf:
        raise ValueError(
            f"a duel needs a margin of less than half of its bound; found margin {margin} and bound {bound}"
        )
    squares, found = (bound / WIDTH) ** 2, []
    for n, each in enumerate((c for c in clusters if c.rows), 1):
        limit = min(bound, max(WIDTH * math.sqrt(squares / n), 2 * abs(margin)))
        found.append((min(max(each.mean, -limit), limit), limit))
        squares += min(abs(each.mean), bound) ** 2
    return found


def _bet(clipped: Sequence[tuple[float, float]], margin: float) -> Iterator[tuple[list[float], list[float]]]:
    """Return, after each cluster, the log capital of each bet of the two bettors."""
    rival, champion = list(_NONE), list(_NONE)
    for difference, limit in clipped:
        ours, theirs = (margin - difference) / (limit - margin), (difference - margin) / (limit + margin)
        rival = [capital + math.log1p(share * ours) for capital, share in zip(rival, BETS, strict=True)]
        champion = [capital + math.log1p(share * theirs) for capital, share in zip(champion, BETS, strict=True)]
        yield rival, champion


def _interval(clipped: Sequence[tuple[float, float]], bound: float, level: float) -> tuple[float, float]:
    """Return the confidence sequence of the mean.

    The margins that neither bettor rejects at level / 2 (ibid., theorem 1).
    """
    from scipy.optimize import brentq

    needed = -math.log(level / 2)

    def high(values: Sequence[tuple[float, float]]) -> float:
        """Find the least margin at which the rival's bettor has won; the capital rises with the margin."""
        above = min((limit for _, limit in values), default=bound)

        def missing(margin: float) -> float:
            odds = [(margin - d) / (limit - margin) for d, limit in values]
            return _log([math.fsum([math.log1p(share * each) for each in odds]) for share in BETS]) - needed

        within = above * (1 - 1e-12)  # at `above` itself a bettor could lose all
        return float(brentq(missing, -within, within, xtol=1e-12 * above)) if missing(within) > 0 else above

    return -high([(-d, limit) for d, limit in clipped]), high(clipped)


def _log(capital: Sequence[float]) -> float:
    largest = max(capital)
    return largest + math.log(math.fsum(math.exp(c - largest) for c in capital) / len(capital))


def _more(capital: Sequence[float], clusters: int, needed: float) -> int | None:
    """Say after how many more clusters like those so far the best bet alone brings what is needed."""
    missing = [(needed + math.log(len(capital)) - c) / (c / clusters) for c in capital if clusters and c > 0]
    least = min(missing, default=math.inf)
    return max(1, math.ceil(least)) if least < _FAR else None
