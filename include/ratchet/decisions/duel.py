"""Champion against rival on the same rows: evidence that may be looked at every night, in both directions.

The evidence is an e-process for the mean of a bounded variable, by betting (Waudby-Smith & Ramdas 2024, "Estimating
means of bounded random variables by betting", section 4: capital processes; section 4.4 and appendix C: a bet spread
over a grid). Let d be the mean over one cluster's rows of rival's less champion's loss, clipped to +-bound. Against the
hypothesis that d is not below the margin on average, a bettor with one unit multiplies it by 1 + stake * (margin - d)
at each cluster. The bound is the same for all clusters, and the stake is chosen from those before; so while the
hypothesis holds the capital is a nonnegative supermartingale, and by Ville's inequality it ever reaches 1/level with
probability at most `level`, however often one looks. A second bettor bets the other way, so that exchanging the models
(and the margin's sign) exchanges the verdicts.

A bound that narrows to what was seen would decide sooner, and be wrong: a rival that is mostly a little better and
rarely far worse looks good until its first bad day (docs/promotion.md, "What bounds it").

Assumed: given the clusters before it, a cluster's expected clipped difference obeys the hypothesis. Rows of one cluster
may depend on each other in any way. What breaks it: days that either model was trained on; a bound or margin chosen
after looking; differences beyond the bound (slices and floors are checked beside the duel for that reason).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

Verdict = Literal["promote", "reject", "wait"]

BETS = (0.5, 0.9)  # shares of the stake that loses all at the limit below; the capital is spread evenly
MOST = 0.9  # largest share of the stake that could lose all at the bound itself
WIDTH = 3.0  # root mean squares of the differences so far, beyond which the next is not expected
_FAR = 3650  # clusters: beyond this, "how many more" is not said


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
class Gathered:
    """The days of a challenger's evidence."""

    days: tuple[Cluster, ...] = ()  # against the champion; none where there is none
    anchor: str = ""  # the name of the anchor that the others are against; empty where there was none
    anchored: tuple[Cluster, ...] = ()


NOTHING = Gathered()


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
    margin: float  # how much worse than the champion the rival may be ...
    bound: float  # ... and what a cluster's difference is clipped to, in the loss's units
    debt: float = 0.0  # logarithm of the capital that the bettor on the rival began with: at most 0
    clipped: int = 0  # clusters beyond the bound ...
    unclipped: float = 0.0  # ... and the mean of the differences as they were


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


def judge(clusters: Sequence[Cluster], *, margin: float, bound: float, level: float, debt: float = 0.0) -> Evidence:
    """Judge a rival, at any time.

    margin: how much worse than the champion the rival may be (0: it has to be better). bound: what a cluster's
    difference is clipped to. Both in the loss's units, margin less than half of bound. level: probability of a false
    promotion, and of a false rejection, in (0, 1). debt: what the bettor on the rival has lost before (`owed`).
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1; found {level}")
    needed = -math.log(level)
    days, means = _clip(clusters, margin, bound), [each.mean for each in clusters if each.rows]
    *_, (rival, champion) = [(_start(debt), _start()), *_bet(days, margin, bound, debt)]
    mean = math.fsum(d for d, _ in days) / len(days) if days else 0.0
    low, high = _interval(days, margin, bound, level)
    verdict: Verdict = "promote" if _log(rival) >= needed else "reject" if _log(champion) >= needed else "wait"
    more = [_more(rival, debt, len(days), needed), _more(champion, 0.0, len(days), needed)]
    soonest = min((each for each in more if each is not None), default=None)
    return Evidence(
        verdict=verdict,
        rival=_log(rival),
        champion=_log(champion),
        needed=needed,
        difference=mean,
        low=low,
        high=high,
        clusters=len(days),
        more=soonest,
        margin=margin,
        bound=bound,
        debt=debt,
        clipped=sum(abs(each) > bound for each in means),
        unclipped=sum(means) / len(means) if means else 0.0,
    )


def curve(clusters: Sequence[Cluster], *, margin: float, bound: float, debt: float = 0.0) -> list[tuple[float, float]]:
    """Return the two bettors' log capital after each cluster: (rival's, champion's)."""
    days = _clip(clusters, margin, bound)
    return [(_log(rival), _log(champion)) for rival, champion in _bet(days, margin, bound, debt)]


def owed(clusters: Sequence[Cluster], *, margin: float, bound: float, debt: float = 0.0) -> float:
    """Return what one rival leaves to the next of its line: what was lost stays lost, what was won is forgotten.

    clusters: those before the next one's first. So a line's capital stays a supermartingale however often the rival
    changes, and after every change it has at most one unit: nobody is promoted on what another has won.
    """
    held = curve(clusters, margin=margin, bound=bound, debt=debt)
    return min(0.0, held[-1][0] if held else debt)


def fewest(*, margin: float, bound: float, level: float) -> int:
    """Return how many clusters there have to be at least before a duel can end, whatever they hold."""
    _check(margin, bound)
    odds = (bound + abs(margin)) / (bound - abs(margin))
    return next(n for n in itertools.count(1) if _log([n * math.log1p(bet * odds) for bet in BETS]) >= -math.log(level))


def _check(margin: float, bound: float) -> None:
    if not 0 <= 2 * abs(margin) < bound < math.inf:
        raise ValueError(
            f"a duel needs a margin of less than half of its bound; found margin {margin} and bound {bound}"
        )


def _clip(clusters: Sequence[Cluster], margin: float, bound: float) -> list[tuple[float, float]]:
    """Clip each cluster's difference to the bound, beside what could be expected of it before it came.

    The limit starts at `bound`, and narrows to WIDTH times the root mean square of the differences so far: it says how
    much may be staked, and clips nothing.
    """
    _check(margin, bound)
    squares, found = (bound / WIDTH) ** 2, []
    for n, each in enumerate((c for c in clusters if c.rows), 1):
        difference = min(max(each.mean, -bound), bound)
        found.append((difference, min(bound, max(WIDTH * math.sqrt(squares / n), 2 * abs(margin)))))
        squares += difference**2
    return found


def _stakes(limit: float, margin: float, tested: float, bound: float) -> list[float]:
    """Return what each bet stakes on a difference below `tested`; none can lose more than MOST of its capital.

    limit: what the difference is expected to stay within. margin: the duel's own.
    """
    most = MOST / (bound - tested)
    return [min(share / max(limit - margin, 1e-300), most) for share in BETS]


def _bet(
    days: Sequence[tuple[float, float]], margin: float, bound: float, debt: float
) -> Iterator[tuple[list[float], list[float]]]:
    """Return, after each cluster, the log capital of each bet of the two bettors."""
    rival, champion = _start(debt), _start()
    for difference, limit in days:
        ours, theirs = _stakes(limit, margin, margin, bound), _stakes(limit, -margin, -margin, bound)
        rival = [held + math.log1p(stake * (margin - difference)) for held, stake in zip(rival, ours, strict=True)]
        champion = [
            held + math.log1p(stake * (difference - margin)) for held, stake in zip(champion, theirs, strict=True)
        ]
        yield rival, champion


def _start(debt: float = 0.0) -> list[float]:
    return [debt] * len(BETS)


def _interval(days: Sequence[tuple[float, float]], margin: float, bound: float, level: float) -> tuple[float, float]:
    """Return the confidence sequence of the mean.

    The margins that neither bettor, with one unit each, rejects at level / 2 (ibid., theorem 1).
    """
    from scipy.optimize import brentq

    needed = -math.log(level / 2)

    def high(days: Sequence[tuple[float, float]], margin: float) -> float:
        """Find the least margin at which the rival's bettor has won; the capital rises with the margin."""

        def missing(tested: float) -> float:
            staked = [_stakes(limit, margin, tested, bound) for _, limit in days]
            won = [
                math.fsum(math.log1p(stakes[i] * (tested - d)) for (d, _), stakes in zip(days, staked, strict=True))
                for i in range(len(BETS))
            ]
            return _log(won) - needed

        within = bound * (1 - 1e-12)  # at `bound` itself a bettor could lose all
        return float(brentq(missing, -within, within, xtol=1e-12 * bound)) if missing(within) > 0 else bound

    return -high([(-d, limit) for d, limit in days], -margin), high(days, margin)


def _log(capital: Sequence[float]) -> float:
    largest = max(capital)
    return largest + math.log(math.fsum(math.exp(c - largest) for c in capital) / len(capital))


def _more(capital: Sequence[float], debt: float, clusters: int, needed: float) -> int | None:
    """Say after how many more clusters like those so far the best bet alone brings what is needed."""
    missing = [(needed + math.log(len(capital)) - c) * clusters / (c - debt) for c in capital if clusters and c > debt]
    least = min(missing, default=math.inf)
    return max(1, math.ceil(least)) if least < _FAR else None
