"""Parts 1 and 2 of the gate's bench: years made by drawing whole days, so that the truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import flights
from benchmarks.flights import Fit, Year
from ratchet import catalog
from ratchet.decisions import duel
from ratchet.decisions.duel import Cluster

YEARS, NIGHTS, ALPHA = 1000, 365, 0.05
FIRST, HOLDOUT = 30, 7  # last day of the first champion's training; days of a holdout
MONTHS = (58, 89, 119, 150, 180, 211, 242, 272, 303, 333)  # last days of February to November
EFFECTS = (0.002, 0.005, 0.01, 0.02)  # log loss; what is beyond the older model's is not reached, and a row says so
BETTER, PATIENCE = 1 / 3, 84  # of the stream: share of challengers that are better; days that each waits in shadow
BOUND = catalog.load(flights.LOOP).gate.bound or 0.05


def _pairs(year: Year, blend: float | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the row losses of two models on each day of the month after their training, shifted as a loop's are.

    blend None: two seeds, equal models. Otherwise the rival is the nightly recipe, and the champion a mix of it and one
    two months older, so that the rival is better by `blend` over all days, or by as much as over that one.
    """
    months = [(month, day) for month in MONTHS for day in range(month + 1, min(365, month + 31))]
    if blend is None:
        return [(year.told(Fit(m, seed=1), d), year.told(Fit(m, seed=2), d)) for m, d in months]
    strong = [np.exp(-year.told(Fit(m), d).astype(float)) for m, d in months]  # probability given to what happened
    weak = [np.exp(-year.told(Fit(max(FIRST, m - 60)), d).astype(float)) for m, d in months]

    def effect(share: float) -> float:
        worse = [-np.log((1 - share) * s + share * w) for s, w in zip(strong, weak, strict=True)]
        return float(np.mean([w.mean() + np.log(s).mean() for w, s in zip(worse, strong, strict=True)]))

    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if effect(middle) < blend else (low, middle)
    return [(-np.log(s), -np.log((1 - high) * s + high * w)) for s, w in zip(strong, weak, strict=True)]


@dataclass(frozen=True)
class Days:
    """Paired days that years are drawn from."""

    mean: np.ndarray  # of the difference, by day
    rows: np.ndarray  # by day
    variance: np.ndarray  # of the difference over rows, by day

    @classmethod
    def paired(cls, pairs: list[tuple[np.ndarray, np.ndarray]]) -> Days:
        """Sum up the row losses of rival and champion, a pair a day."""
        differences = [rival.astype(float) - champion for rival, champion in pairs]
        return cls(*(np.array([f(d) for d in differences]) for f in (np.mean, len, np.var)))

    def draw(self, rng: np.random.Generator, nights: int, *, flip: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw whole days.

        flip: which of the two is called rival is a coin's toss a day, so that they are equal exactly.
        """
        chosen = rng.integers(0, len(self.mean), nights)
        sign = rng.choice([-1.0, 1.0], nights) if flip else 1.0
        return self.mean[chosen] * sign, self.rows[chosen], self.variance[chosen]


def equal(year: Year) -> dict[str, Any]:
    """Count the years in which a gate promotes an equal model at any night, and false promotions in a stream."""
    rng = np.random.default_rng(0)
    same, better = Days.paired(_pairs(year)), Days.paired(_pairs(year, 0.02))
    fired = dict.fromkeys(("better metric", "row bootstrap", "day t-test", "the duel"), 0)
    for _ in range(YEARS):
        mean, rows, variance = same.draw(rng, NIGHTS, flip=True)
        fired["better metric"] += bool((_cumulative(mean, rows)[HOLDOUT - 1 :] < 0).any())
        fired["row bootstrap"] += bool((_rows_p(mean, rows, variance)[HOLDOUT - 1 :] < ALPHA).any())
        fired["day t-test"] += bool((day_test(mean)[HOLDOUT - 1 :] < ALPHA).any())
        fired["the duel"] += _first(mean, -math.log(ALPHA)) is not None
    return {
        "years": YEARS,
        "better ones, by": -float(better.mean.mean()),
        "pairs of days": len(same.mean),
        "mean difference": float(same.mean.mean()),
        "sd of days": float(same.mean.std()),
        "years with a promotion": {name: n / YEARS for name, n in fired.items()},
        "stream": _stream(rng, same, better),
    }


def _stream(rng: np.random.Generator, same: Days, better: Days) -> dict[str, Any]:
    """Send a challenger a week for a year, one in three of them better, the others equal.

    The share of false among promotions.
    """
    counts = {name: np.zeros((YEARS, 2)) for name in ("better metric", "row bootstrap", "day t-test", "the duel")}
    for y in range(YEARS):
        waiting: list[tuple[int, bool, list[float]]] = []
        for week in range(52):
            true = bool(rng.random() < BETTER)
            mean, rows, variance = (better if true else same).draw(rng, PATIENCE, flip=not true)
            first = slice(0, HOLDOUT)
            for name, won in (
                ("better metric", float(np.average(mean[first], weights=rows[first])) < 0),
                ("row bootstrap", _rows_p(mean[first], rows[first], variance[first])[-1] < ALPHA),
                ("day t-test", day_test(mean[first])[-1] < ALPHA),
            ):
                counts[name][y, int(true)] += won
            waiting.append((week + 1, true, _capital(mean)))
            # Each stays twelve weeks in shadow, looked at every night, at the whole level.
            for index, good, capital in list(waiting):
                age = (week + 1 - index) * 7 + HOLDOUT
                needed = -math.log(ALPHA)
                if any(value >= needed for value in capital[age - 7 + (0 if age > HOLDOUT else 6) : age]):
                    counts["the duel"][y, int(good)] += 1
                    waiting.remove((index, good, capital))
                elif age >= PATIENCE:
                    waiting.remove((index, good, capital))
    return {
        name: {
            "false share": float(np.mean(c[:, 0] / np.maximum(1, c.sum(axis=1)))),
            "promotions a year": float(c.sum(axis=1).mean()),
            "of better ones promoted": float(c[:, 1].sum() / (BETTER * 52 * YEARS)),
        }
        for name, c in counts.items()
    }


def power(year: Year) -> dict[str, Any]:
    """Return the days until a rival that is better by so much is promoted, aim superior, single duel.

    By the effect that was reached.
    """
    rng = np.random.default_rng(1)
    found = {}
    for effect in EFFECTS:
        days = Days.paired(_pairs(year, effect))
        reached = f"{-days.mean.mean():.4f}"
        if reached in found:
            continue
        first = np.array(
            [_first(days.draw(rng, NIGHTS, flip=False)[0], -math.log(ALPHA)) or 10_000 for _ in range(200)]
        )
        found[reached] = {
            "median": float(np.median(first)),
            "nine in ten": float(np.quantile(first, 0.9)),
            "within the year": float((first <= NIGHTS).mean()),
            "sd of days": float(days.mean.std()),
        }
    return found


def _capital(mean: np.ndarray, margin: float = 0.0) -> list[float]:
    return [
        ours
        for ours, _ in duel.curve(
            [Cluster(f"{i:04}", 1, float(m)) for i, m in enumerate(mean)], margin=margin, bound=BOUND
        )
    ]


def _first(mean: np.ndarray, needed: float) -> int | None:
    return next((i + 1 for i, value in enumerate(_capital(mean)) if value >= needed), None)


def _cumulative(mean: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.cumsum(mean * rows) / np.cumsum(rows)


def _rows_p(mean: np.ndarray, rows: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """One-sided p of a paired bootstrap over all rows so far, in its normal limit (thousands of rows)."""
    n, total, squares = np.cumsum(rows), np.cumsum(mean * rows), np.cumsum((variance + mean**2) * rows)
    deviation = np.sqrt(np.maximum(squares / n - (total / n) ** 2, 1e-18) / n)
    return np.asarray(stats.norm.cdf(total / n / deviation))


def day_test(mean: np.ndarray) -> np.ndarray:
    """One-sided p of a t-test over all days so far."""
    n = np.arange(1, len(mean) + 1)
    average = np.cumsum(mean) / n
    spread = np.sqrt(np.maximum(np.cumsum(mean**2) / n - average**2, 1e-18) * n / np.maximum(n - 1, 1))
    return np.asarray(stats.t.cdf(average / (spread / np.sqrt(n)), np.maximum(n - 1, 1)))
