"""Why a loss has risen: the slices of rows that explain it, on the latest days beside the baseline's.

All means are means of days, as the policy `degradation` takes them, so what is explained is what has alarmed: on each
day a slice has a share of the rows, and the loss of its rows. A slice may matter because it got worse or because it got
bigger: the rise of the mean is parted, slice by slice, into what came of losses and what of shares (Kitagawa 1955,
"Components of a difference between two rates"; Oaxaca 1973), with the share's part taken from the mean of all rows, so
that a slice that grows adds where its loss is above that mean, and the parts of a column's slices sum to the rise.

Days are the unit that varies. Standard errors leave out a day at a time (the jackknife: Tukey 1958), intervals are
Student's with Welch's degrees of freedom, at 95 % for all slices and numbers together (Bonferroni). In drawn lives of
3 to 14 days a side and 23 to 47 slices they held all numbers at once in 95 to 100 %; the largest t under permuted days,
which is narrower by a tenth, held them in 85 to 91 %. Columns are taken alone: of pairs there are hundreds, of few rows
each, and every interval would be wider for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ratchet.errors import DataError
from ratchet.monitoring.slices import LEAST, Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

LEVEL = 0.05  # probability, at most, that any of the intervals of slices misses
DAYS = 3  # on each side: of fewer nothing can be said


@dataclass(frozen=True)
class Interval:
    """A number, from low to high."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """How a slice's loss and share have changed. Two numbers are the baseline's and the latest days'."""

    name: str
    column: str
    rows: tuple[int, int]
    shares: tuple[float, float]  # of the rows of a day, on average
    losses: tuple[float | None, float | None]  # None where it has no row
    rise: Interval | None  # of its own mean loss; None where it has too few rows on a side
    beyond: Interval | None  # by how much its loss has risen more than that of all other rows
    mix: Interval  # what its share's change adds to the rise of the whole
    rate: float  # what its loss's change adds
    stands_out: Literal["worse", "more", ""]  # proved to have got worse beyond the others; to add by its share; neither

    @property
    def part(self) -> float:
        """Return what it adds to the rise of the whole."""
        return self.rate + self.mix.value


@dataclass(frozen=True)
class Explanation:
    """What has risen, and which slices explain it, those that explain most first."""

    days: tuple[int, int]  # of the baseline, and the latest
    losses: tuple[float, float]  # their means
    rise: Interval  # of the whole, alone at 95 %
    slices: tuple[Slice, ...]

    def standing(self, how: Literal["worse", "more"]) -> list[Slice]:
        """List the slices that stand out so."""
        return [each for each in self.slices if each.stands_out == how]


@dataclass(frozen=True)
class Side:
    """The rows of a side: the day and the loss of each."""

    days: NDArray[np.str_]  # (n,)
    losses: Vector  # (n,)

    @property
    def count(self) -> int:
        """Count the days."""
        return len(np.unique(self.days))


@dataclass(frozen=True)
class _Daily:
    """A column's slices by day, or means of them: shares of rows, sums of losses over all the day's rows, its mean."""

    shares: Vector  # (..., slices)
    sums: Vector  # (..., slices)
    whole: Vector  # (..., 1)

    @property
    def mean(self) -> _Daily:
        return _Daily(self.shares.mean(0), self.sums.mean(0), self.whole.mean(0))

    @property
    def without_a_day(self) -> _Daily:
        """Return the means of all days but one, for each. A share of nothing is 0, and not what rounding leaves."""
        shares, sums, whole = ((each.sum(0) - each) / (len(each) - 1) for each in (self.shares, self.sums, self.whole))
        return _Daily(shares.round(12), sums, whole)


def explain(baseline: Side, recent: Side, columns: Iterable[Column]) -> Explanation:
    """Explain the rise of a mean loss. columns: of these rows, in their order. Losses are finite.

    Raises DataError where a side has fewer than `DAYS`.
    """
    sides = (baseline, recent)
    for side, name in zip(sides, ("holdout has", "latest days with labels are"), strict=True):
        if side.count < DAYS:
            raise DataError(f"the {name} {side.count}, and {DAYS} days are needed to compare")
    daily = [(each, _daily(baseline, each, each.baseline), _daily(recent, each, each.recent)) for each in columns]
    numbers = sum(len(column.slices) + 2 * int(_tested(column, before, after).sum()) for column, before, after in daily)
    whole = [np.array([side.losses[side.days == day].mean() for day in np.unique(side.days)]) for side in sides]
    rise = _of_means(*whole)
    found = [each for column, before, after in daily for each in _slices(column, before, after, level=LEVEL / numbers)]
    return Explanation(
        days=(baseline.count, recent.count),
        losses=(float(whole[0].mean()), float(whole[1].mean())),
        rise=rise,
        slices=tuple(sorted(found, key=lambda each: (not each.stands_out, -_beyond_alike(each, rise.value)))),
    )


def dump(found: Explanation) -> dict[str, Any]:
    """Return it as it is kept."""
    return asdict(found)


def _daily(side: Side, column: Column, codes: NDArray[np.int64]) -> _Daily:
    """Part a side's rows by days and slices."""
    _, index = np.unique(side.days, return_inverse=True)
    days, slices = int(index.max()) + 1, len(column.slices)
    places = index * slices + codes
    counts = np.bincount(index, minlength=days)[:, None]

    def by_day(weights: Vector | None) -> Vector:
        return np.asarray(np.bincount(places, weights, days * slices).reshape(days, slices) / counts)

    sums = by_day(side.losses)
    return _Daily(by_day(None), sums, sums.sum(1, keepdims=True))


def _slices(column: Column, baseline: _Daily, recent: _Daily, level: float) -> Iterator[Slice]:
    """Yield the slices of a column, with intervals at a level each."""
    before, after = baseline.mean, recent.mean
    values = _numbers(before, after)
    left_out = (_numbers(baseline.without_a_day, after), _numbers(before, recent.without_a_day))
    (then, now), rates = _losses(before, after), _parts(before, after)[0]
    tested = _tested(column, baseline, recent)
    for place, name in enumerate(column.slices):
        found = [
            _interval(float(values[number, place]), *_jackknifed([each[:, number, place] for each in left_out]), level)
            for number in range(len(values))
        ]
        rise, beyond, mix = found
        known = bool(tested[place])
        worse = known and rise.low > 0 and beyond.low > 0
        shares = (float(before.shares[place]), float(after.shares[place]))
        yield Slice(
            name=name,
            column=column.name,
            rows=(int((column.baseline == place).sum()), int((column.recent == place).sum())),
            shares=shares,
            losses=(float(then[place]) if shares[0] else None, float(now[place]) if shares[1] else None),
            rise=rise if known else None,
            beyond=beyond if known else None,
            mix=mix,
            rate=float(rates[place]),
            stands_out="worse" if worse else "more" if mix.low > 0 else "",
        )


def _tested(column: Column, baseline: _Daily, recent: _Daily) -> NDArray[np.bool_]:
    """Say of which slices the loss's change can be told: they, and all others, have rows and days on both sides."""
    enough = np.ones(len(column.slices), dtype=bool)
    for codes, held in ((column.baseline, baseline.shares), (column.recent, recent.shares)):
        rows = np.bincount(codes, minlength=len(column.slices))
        enough &= (rows >= LEAST) & (len(codes) - rows >= LEAST)
        enough &= ((held > 0).sum(0) > 1) & ((held < 1).sum(0) > 1)
    return enough


def _losses(before: _Daily, after: _Daily) -> tuple[Vector, Vector]:
    """Return the mean losses of slices on both sides; where one has no row, the other's stands for it."""
    known = [
        np.divide(each.sums, each.shares, out=np.zeros_like(each.sums), where=each.shares > 0)
        for each in (before, after)
    ]
    return (
        np.where(before.shares > 0, known[0], known[1]),
        np.where(after.shares > 0, known[1], known[0]),
    )


def _parts(before: _Daily, after: _Daily) -> tuple[Vector, Vector]:
    """Return what slices add to the rise of the whole by their losses, and by their shares: (..., slices) each."""
    then, now = _losses(before, after)
    rate = (before.shares + after.shares) / 2 * (now - then)
    mix = (after.shares - before.shares) * ((then + now) - (before.whole + after.whole)) / 2
    return rate, mix


def _numbers(before: _Daily, after: _Daily) -> Vector:
    """Return the numbers of each slice that have intervals: (..., 3, slices). Either side may have many means."""
    then, now = _losses(before, after)
    others = [
        np.divide(each.whole - each.sums, 1 - each.shares, out=np.zeros_like(each.sums), where=each.shares < 1)
        for each in (before, after)
    ]
    rise = now - then
    return np.stack([rise, rise - (others[1] - others[0]), _parts(before, after)[1]], axis=-2)


def _jackknifed(left_out: Sequence[Vector]) -> tuple[float, float]:
    """Return standard error and degrees of freedom of a number. left_out: of each side, it without a day at a time."""
    spreads = [(len(each) - 1) / len(each) * float(((each - each.mean()) ** 2).sum()) for each in left_out]
    return _welch(spreads, [len(each) for each in left_out])


def _welch(spreads: Sequence[float], days: Sequence[int]) -> tuple[float, float]:
    """Return a difference's standard error, and Welch's degrees of freedom. spreads: squared errors of both sides."""
    total, least = sum(spreads), min(days) - 1.0
    if not total:
        return 0.0, least
    parts = (spread**2 / (count - 1) for spread, count in zip(spreads, days, strict=True))
    return float(np.sqrt(total)), max(total**2 / sum(parts), least)


def _interval(value: float, spread: float, freedom: float, level: float) -> Interval:
    """Return Student's interval, both sides together at a level."""
    from scipy import stats

    wide = float(stats.t.isf(level / 2, freedom)) * spread
    return Interval(value, value - wide, value + wide)


def _of_means(before: Vector, after: Vector) -> Interval:
    """Return the rise of the mean of days, alone."""
    spreads = [float(each.var(ddof=1)) / len(each) for each in (before, after)]
    return _interval(float(after.mean() - before.mean()), *_welch(spreads, [len(before), len(after)]), LEVEL)


def _beyond_alike(found: Slice, rise: float) -> float:
    """Return what a slice adds beyond its share of a rise that is everywhere alike."""
    return found.part - sum(found.shares) / 2 * rise
