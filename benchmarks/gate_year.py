"""Parts 3 and 4 of the gate's bench: 2013 as it went, every gate deciding every night, and a bad model slipping in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.flights import Fit, Year
from benchmarks.gate_life import Life

ALPHA = 0.05
HOLDOUT, DELAY = 7, 2  # days; at the night of day t the labels of t - 2 are the newest (label_delay_days is 1)
FIRST = 30  # 31 January: the last day of the first champion's training
BEGIN, END = FIRST + DELAY + HOLDOUT, 365  # nights with a challenger
FAULTS = (95, 180, 270)  # nights on which damaged trainings begin, for five nights each
WATCHED = 45  # days after it
BAD = (60, 110, 160, 210, 260, 310)  # days at which a bad model slips in


@dataclass
class Line:
    """What a gate has made of the year."""

    live: dict[int, Fit] = field(default_factory=dict)  # the live model by day
    promotions: int = 0
    rollbacks: int = 0


def year_2013(year: Year) -> dict[str, Any]:
    """Let each gate decide every night, as it was and with damaged trainings."""
    faults = {t for f in FAULTS for t in range(f, f + 5)}
    days = range(BEGIN, END)
    weights = np.array([len(year.loss(Fit(FIRST), d)) for d in days], dtype=float)
    hindsight = np.array([min(year.mean(Fit(s), d) for s in range(max(FIRST, d - 45), d - DELAY + 1)) for d in days])
    found: dict[str, Any] = {"curves": {}}
    for stream, damaged in (("as it was", set()), ("with 15 damaged trainings", faults)):
        lines = {
            "never": _fixed(lambda _: Fit(FIRST)),
            "always, what was evaluated": _fixed(lambda t, bad=damaged: Fit(t - DELAY - HOLDOUT, damaged=t in bad)),
            "always, the refit": _fixed(lambda t, bad=damaged: Fit(t - DELAY, damaged=t in bad)),
        }
        for name, test in (("better metric", _metric_test), ("row bootstrap", _row_test), ("day t-test", _day_test)):
            for deploy in ("evaluated", "refit"):
                lines[f"{name}, {deploy}"] = _holdout_gate(year, damaged, test, refit=deploy == "refit")
        duel = duelled(year, damaged)
        told = np.array([year.mean(duel.live[t], t, told=True) for t in days])
        lived = {name: (line, _losses(year, line)) for name, line in lines.items()} | {
            "the duel, without intercept": (duel, _losses(year, duel)),
            "the duel": (duel, told),
        }
        found[stream] = {}
        reference = _losses(year, lines["always, the refit"])
        for name, (line, losses) in lived.items():
            excess = losses - hindsight
            weeks = np.convolve(excess, np.ones(7) / 7, mode="valid")
            found[stream][name] = {
                "loss": float(np.average(losses, weights=weights)),
                "March to December": float(np.average(losses[59 - BEGIN :], weights=weights[59 - BEGIN :])),
                "above always refit": float(np.average(losses - reference, weights=weights)),
                "worst week": float(weeks.max()),
                "promotions": line.promotions,
                "rollbacks": line.rollbacks,
            }
            found["curves"][f"{name} ({stream})"] = np.cumsum((losses - reference) * weights / weights.sum()).tolist()
        found[stream]["best in hindsight"] = {
            "loss": float(np.average(hindsight, weights=weights)),
            "March to December": float(np.average(hindsight[59 - BEGIN :], weights=weights[59 - BEGIN :])),
            "above always refit": float(np.average(hindsight - reference, weights=weights)),
            "worst week": 0.0,
            "promotions": None,
            "rollbacks": None,
        }
    return found


def _fixed(choose: Callable[[int], Fit]) -> Line:
    line = Line({t: choose(t) for t in range(BEGIN, END)})
    line.promotions = sum(line.live[t] != line.live[t - 1] for t in range(BEGIN + 1, END))
    return line


def _losses(year: Year, line: Line | Life) -> np.ndarray:
    return np.array([year.mean(line.live[t], t) for t in range(BEGIN, END)])


def _compared(
    year: Year, night: int, damaged: set[int], champion: Fit, evaluated: Fit
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return the row losses of the night's challenger and of the champion, or its evaluated model, on the holdout."""
    newest = night - DELAY
    return _days(year, Fit(newest - HOLDOUT, damaged=night in damaged), newest, champion, evaluated)


def _days(
    year: Year, challenger: Fit, newest: int, champion: Fit, evaluated: Fit
) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Return the row losses of both on the days since the challenger's training that neither side has seen."""
    found = []
    for day in range(challenger.until + 1, newest + 1):
        side = champion if day > champion.until else evaluated if day > evaluated.until else None
        if side is not None:
            found.append((day, year.loss(challenger, day).astype(float), year.loss(side, day).astype(float)))
    return found


def _holdout_gate(year: Year, damaged: set[int], test: Callable[[list[np.ndarray]], bool], *, refit: bool) -> Line:
    """One look at one holdout, each night anew."""
    line, champion, evaluated = Line(), Fit(FIRST), Fit(FIRST)
    for night in range(BEGIN, END):
        challenger = Fit(night - DELAY - HOLDOUT, damaged=night in damaged)
        days = [ours - theirs for _, ours, theirs in _compared(year, night, damaged, champion, evaluated)]
        if challenger.until > evaluated.until and days and test(days):
            champion = Fit(night - DELAY, damaged=night in damaged) if refit else challenger
            evaluated = challenger
            line.promotions += 1
        line.live[night] = champion
    return line


def _metric_test(days: list[np.ndarray]) -> bool:
    return float(np.concatenate(days).mean()) < 0


def _row_test(days: list[np.ndarray]) -> bool:
    rows = np.concatenate(days)
    return float(stats.norm.cdf(rows.mean() / (rows.std() / math.sqrt(len(rows)) + 1e-12))) < ALPHA


def _day_test(days: list[np.ndarray]) -> bool:
    means = [float(d.mean()) for d in days]
    return (
        len(means) > 2 and np.std(means) > 0 and float(stats.ttest_1samp(means, 0, alternative="less").pvalue) < ALPHA
    )


def duelled(year: Year, damaged: set[int], seen: Callable[[int, Life], None] = lambda *_: None) -> Life:
    """Decide as the loop's own gate does. seen: is shown the life before each night."""
    life = Life(year, DELAY)
    life.begin(Fit(FIRST), BEGIN - 1)
    for night in range(BEGIN, END):
        seen(night, life)
        newest = night - DELAY
        life.night(night, Fit(newest - HOLDOUT, damaged=night in damaged), Fit(newest))
    return life


def bad_model(year: Year) -> dict[str, Any]:
    """Deploy a damaged model on six days, with no challenger after it: days until rollback, and what it cost."""
    found: dict[str, Any] = {}

    def slip(night: int, life: Life) -> None:
        if night - DELAY not in BAD:
            return
        day, until, fork = night - DELAY, min(END, night + WATCHED), life.fork()
        fork.slip(Fit(day, damaged=True), night)
        for after in range(night + 1, until):
            fork.night(after, None, Fit(day))
        back = next((t for t in range(night + 1, until) if fork.live[t] != fork.live[night]), None)
        bad, good = Fit(day, damaged=True), Fit(day)
        cost = [year.mean(bad, t, told=True) - year.mean(good, t, told=True) for t in range(night, until)]
        found[str(day)] = {
            "days until rollback": back - night if back else None,
            "excess a day": float(np.mean(cost)),
            "excess in 45 days, with": float(np.sum(cost[: (back or until) - night])),
            "without": float(np.sum(cost)),
        }

    duelled(year, set(), slip)
    return found
