"""What the choice of dates can do, whatever policy makes it: part of make bench-replay.

A model a night is there, and one is deployed at once on each date that is chosen, which no gate is kinder than. Dates
are chosen by chance; by calendars of any phase; by gaps that grow with the rows there are; by who has a fresh model in
shadow every night and acts on what it has saved so far, which no policy can afford; and by who knows the whole year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.replay import score
from ratchet.replay.fits import AHEAD, Fits
from ratchet.replay.history import History

Vector = NDArray[np.float64]
Places = NDArray[np.int64]
DRAWN = 2000  # random choices of dates for each number of retrainings
PHASES = 40  # of a schedule
PRICES = np.geomspace(1e-3, 1, 60)  # of a retraining, in the loss's units times days


@dataclass(frozen=True)
class Dates:
    """Models and nights."""

    losses: Vector  # (models, nights), infinite where a model cannot serve or is not known
    rows: Vector  # (nights,), labelled
    before: Vector  # (nights,), rows of the days before
    newest: Places  # (nights,), the freshest model that can serve; the first serves before any date

    def of(self, chosen: Places) -> float:
        """Return the year's loss where the newest model is taken on these nights, in order; infinite where unknown."""
        nights = np.arange(len(self.rows))
        since = np.searchsorted(chosen, nights, side="right")
        serving = np.concatenate([[0], self.newest[chosen]])[since]
        return float(np.average(self.losses[serving, nights], weights=self.rows))

    def by_chance(self, count: int) -> Vector:
        """Return the losses of random dates; those with too long a gap are left out, which is kind to chance."""
        rng, nights = np.random.default_rng(0), len(self.rows)
        drawn = (np.sort(rng.choice(nights - 1, count, replace=False)) + 1 for _ in range(DRAWN))
        return _finite(self.of(each) for each in drawn)

    def spaced(self, count: int, power: float) -> Vector:
        """Return the losses of schedules of so many dates, one a phase: gaps grow as a power of the rows before.

        0: a calendar. 1: a retraining whenever the rows have grown by a factor.
        """
        clock = np.concatenate([[0.0], np.cumsum(self.before[1:] ** -power)])
        gap = clock[-1] / (count + 0.5)
        phases = (np.arange(PHASES) + 0.5) / PHASES
        dates = (np.searchsorted(clock, gap * (phase + np.arange(count))) for phase in phases)
        return _finite(self.of(np.unique(each[each > 0])) for each in dates)

    def by_the_past(self, most: int) -> tuple[int, float]:
        """Return number and loss of the dates of who sees what a fresh model would have saved, at the best price.

        A retraining comes when the champion's excess over the freshest model of each night has come to the price; the
        price is the best in hindsight of those with at most so many.
        """
        found = [(len(dates), self.of(dates)) for dates in map(self._bought, PRICES)]
        return min((each for each in found if each[0] <= most), key=lambda each: each[1], default=(0, np.inf))

    def _bought(self, price: float) -> Places:
        nights, dates, serving, since = len(self.rows), list[int](), 0, 0
        fresh = self.losses[self.newest, np.arange(nights)]
        for night in range(1, nights):
            excess = (
                self.losses[serving, since : night - 1] - fresh[since : night - 1]
            ).sum()  # labels come a day late
            if (excess > price or not np.isfinite(self.losses[serving, night])) and self.newest[night] != serving:
                dates.append(night)
                serving, since = int(self.newest[night]), night
        return np.array(dates, dtype=np.int64)

    def best(self, most: int) -> list[float]:
        """Return the least loss of 0, 1, ..., `most` dates, chosen by who knows the whole year."""
        nights, value = len(self.rows), np.full((most + 1, len(self.losses)), np.inf)
        value[0, 0] = 0.0
        for night in range(nights):
            if night:
                taken = self.newest[night]
                value[1:, taken] = np.minimum(value[1:, taken], value[:-1].min(axis=1))
            value += self.losses[:, night] * self.rows[night]
        return [float(each) for each in np.minimum.accumulate(value.min(axis=1)) / self.rows.sum()]


def of_year(past: History, daily: score.Outcome, fits: Fits) -> Dates:
    """Take the models that a retraining every night has deployed."""
    served = [night for night in daily.nights if night["rows"]]  # a first champion may have waited in shadow
    nights, rows = [night["night"] for night in served], np.array([night["rows"] for night in served], dtype=float)
    losses = score.daily([fits.get(past.now, *span) for span in daily.deployed], past.now, nights, {})
    newest = np.array([np.flatnonzero(np.isfinite(losses[:, n]))[-1] for n in range(len(nights))])
    before = np.array([past.now.bounds("", night)[1] for night in nights], dtype=float)
    return Dates(losses, rows, before, newest)


def measure(dates: Dates, counts: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return what each way to choose so many dates comes to."""
    best, found = dates.best(max(counts)), []
    for count in counts:
        chance = dates.by_chance(count)
        ways = {"calendar": dates.spaced(count, 0.0), "gaps grow with the rows": dates.spaced(count, 1.0)}
        told = {way: [float(each.mean()), float(each.min())] if len(each) else None for way, each in ways.items()}
        drawn = [float(each) for each in np.quantile(chance, [0.5, 0.05])] if len(chance) else None
        found.append(
            {"retrainings": count, "chance": drawn, **told, "past": dates.by_the_past(count), "best": best[count]}
        )
    return found


def lines(found: list[dict[str, Any]], hindsight: list[float]) -> Iterator[tuple[str, ...]]:
    """Yield the table, its titles first. hindsight: the best that any choice of models could have had."""
    yield (
        "retrainings",
        "by chance: median, 5th percentile",
        "a calendar: mean of its phases, the best",
        "gaps that grow with the rows: mean, the best",
        "who sees every fresh model's past",
        "the best dates in hindsight",
        "hindsight's best of any models",
    )
    for row in found:
        number, past = row["past"]
        yield (
            str(row["retrainings"]),
            *(_pair(row[way]) for way in ("chance", "calendar", "gaps grow with the rows")),
            f"{past:.5f} ({number})" if np.isfinite(past) else "",
            f"{row['best']:.5f}" if np.isfinite(row["best"]) else "",
            f"{hindsight[row['retrainings']]:.5f}" if row["retrainings"] < len(hindsight) else "",
        )


def _pair(told: list[float] | None) -> str:
    return f"{told[0]:.5f}, {told[1]:.5f}" if told else f"a gap of more than {AHEAD} days"


def _finite(found: Iterator[float]) -> Vector:
    return np.array([loss for loss in found if np.isfinite(loss)], dtype=float)
