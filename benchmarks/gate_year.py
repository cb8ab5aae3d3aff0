"""Parts 3 and 4 of the gate's bench: 2013 as it went, every gate deciding every night, and a bad model slipping in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import flights
from benchmarks.flights import Fit, Year
from ratchet import catalog
from ratchet.contract.rules import Gate
from ratchet.decisions import duel
from ratchet.decisions.checks.slices import slices
from ratchet.decisions.duel import Cluster
from ratchet.training import probes

ALPHA = 0.05
HOLDOUT, DELAY = 7, 2  # days; at the night of day t the labels of t - 2 are the newest (label_delay_days is 1)
FIRST = 30  # 31 January: the last day of the first champion's training
BEGIN, END = FIRST + DELAY + HOLDOUT, 365  # nights with a challenger
FAULTS = (95, 180, 270)  # nights on which damaged trainings begin, for five nights each
BAD = (60, 110, 160, 210, 260, 310)  # days at which a bad model slips in

GATE: Gate = catalog.load(flights.LOOP).gate
BOUND = GATE.bound or 0.05


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
        lines["the duel"] = duelled(year, damaged)
        found[stream] = {}
        reference = _losses(year, lines["always, the refit"])
        for name, line in lines.items():
            losses = _losses(year, line)
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


def _losses(year: Year, line: Line) -> np.ndarray:
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


def duelled(year: Year, damaged: set[int], slipped: int | None = None) -> Line:
    """Decide as the loop's own gate does, its anchor aside.

    Each challenger is judged by its own days, the vetoes beside it, and waits as long as there is room; the predecessor
    is in shadow.

    slipped: a night on which a damaged refit is deployed whatever the gate says, and after which no challenger comes.
    """
    line, champion, evaluated = Line(), Fit(FIRST), Fit(FIRST)
    waiting: list[tuple[int, Fit]] = []  # (night of its training, challenger), oldest first
    rival: tuple[Fit, int] | None = None  # the predecessor, and the night from which it is compared
    direct: tuple[Fit, int] | None = None  # what the present champion replaced, and when
    for night in range(BEGIN, END):
        newest = night - DELAY
        verdict = _look_back(year, line, rival, newest)
        if verdict == "promote" and rival is not None:
            champion = evaluated = rival[0]
            rival, direct, waiting = None, None, []
            line.rollbacks += 1
        elif verdict == "reject":
            rival = direct if direct != rival else None
        newcomer = Fit(newest - HOLDOUT, damaged=night in damaged)
        if newcomer.until > evaluated.until and (slipped is None or night <= slipped) and len(waiting) < GATE.shadows:
            waiting.append((night, newcomer))
        waiting = [each for each in waiting if newest - each[1].until <= GATE.patience_days]
        won = next((each for each in waiting if _holds(year, newest, each[1], champion, evaluated)), None)
        if slipped is None or night <= slipped:
            bad = night == slipped or (won is not None and won[1].damaged)
            if night == slipped or won is not None:
                direct = (champion, night)
                rival = rival or direct
                champion, evaluated = Fit(newest, damaged=bad), won[1] if won else newcomer
                waiting, line.promotions = [], line.promotions + 1
        line.live[night] = champion
    return line


def _holds(year: Year, newest: int, challenger: Fit, champion: Fit, evaluated: Fit) -> bool:
    """Say whether a challenger holds against the champion on its own days, and no veto forbids it."""
    compared = _days(year, challenger, newest, champion, evaluated)
    days = [Cluster(f"{d:04}", len(o), float((o - t).sum())) for d, o, t in compared]
    if not days or duel.curve(days, margin=GATE.margin, bound=BOUND)[-1][0] < -math.log(GATE.level):
        return False
    return _vetoed(year, compared[:HOLDOUT]) is None


def _look_back(year: Year, line: Line, rival: tuple[Fit, int] | None, newest: int) -> str:
    """Judge the duel of the predecessor with what has replaced it, on the labelled days since.

    Promote, reject or wait.
    """
    if rival is None or newest < rival[1]:
        return "wait"
    shadow = []
    for day in range(rival[1], newest + 1):
        ours, theirs = year.loss(rival[0], day).astype(float), year.loss(line.live[day], day).astype(float)
        shadow.append(Cluster(f"{day:04}", len(ours), float((ours - theirs).sum())))
    verdict = duel.judge(shadow, margin=0.0, bound=BOUND, level=GATE.rollback_level).verdict
    return "reject" if verdict == "wait" and len(shadow) > GATE.patience_days else verdict


def _vetoed(year: Year, compared: list[tuple[int, np.ndarray, np.ndarray]]) -> str | None:
    """Ask the veto that losses answer: its slices."""
    if GATE.slices is None:
        return None
    rows = year.slice(compared[0][0], compared[-1][0])
    days = np.repeat([f"{d:04}" for d, _, _ in compared], [len(o) for _, o, _ in compared])
    ours, theirs = (np.concatenate([each[i] for each in compared]) for i in (1, 2))
    sliced = {
        name: duel.cluster(days[of], ours[of], theirs[of])
        for name, of in probes.levels(rows, GATE.slices.columns, GATE.slices.rows)
    }
    return next((c.name for c in slices(sliced, GATE.slices.margin, GATE.slices.level) if not c.passed), None)


def bad_model(year: Year) -> dict[str, Any]:
    """Deploy a damaged model on six days, with no challenger after it: days until rollback, and what it cost."""
    found = {}
    for day in BAD:
        night = day + DELAY
        line = duelled(year, set(), slipped=night)
        back = next((t for t in range(night + 1, END) if line.live[t] != line.live[night]), None)
        until = min(END, night + 45)
        cost = [year.mean(Fit(day, damaged=True), t) - year.mean(Fit(day), t) for t in range(night, until)]
        with_duel = cost[: (back or until) - night]
        found[str(day)] = {
            "days until rollback": back - night if back else None,
            "excess a day": float(np.mean(cost)),
            "excess in 45 days, with": float(np.sum(with_duel)),
            "without": float(np.sum(cost)),
        }
    return found
