"""Part 5 of the gate's bench: refits of one recipe that were as good as the champion for long, and turn worse.

For so many challengers each is truly equal to the champion of the moment; then each is worse than it by the margin
(which is the hypothesis itself) or by half, one or two margins more. How many of these are promoted, each by its own
days, its line's debt before it? At most a share of `level` may be, and where they come one after the other on days that
do not overlap, at most that share of lines may promote any. What earlier ones have won helps nobody.

Days of a refit are an easy case. The hardest is a challenger that is worse by exactly the margin on average, as bad as
the bound on one day in five and well within the margin on the others: until the first such day it looks good. Where an
equal one comes after each, what was lost is forgotten: a line ends there, with a champion, but a debt to the anchor
does not.
"""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
from rich.console import Console

from benchmarks import capital
from benchmarks.lives import Lives, Rules
from benchmarks.noise import BOUND, HOLDOUT, LEVEL, MARGIN, TAILS, Daily, table

LIVES = 1000
GOOD = (60, 300)  # challengers before the recipe turns worse
BEYOND = (0.0, 0.5, 1.0, 2.0)  # margins beyond the margin
APART = 30  # nights from one challenger to the next, where days do not overlap: nobody's evidence has more days
RARE, TRIED = 1 / 5, 40  # of the hardest: share of days that are as bad as the bound, and challengers
HARD = {
    "nothing is owed": {"debts": False, "between": False},
    "what was lost is owed": {"debts": True, "between": False},
    "the same, and one that is equal comes after each": {"debts": True, "between": True},
}
ARRIVALS = {
    "one a night": (Rules(anchor=False, shared=0.5), 60),  # and how many of the bad are counted
    "one after the other": (Rules(anchor=False, every=APART, room=1), 20),
}


def lines() -> dict[str, dict[str, dict[str, float]]]:
    """Return the share of the bad that are promoted, and of the lines that promote any."""
    return {"refits": _refits(), "hard": {name: _hard(**how) for name, how in HARD.items()}}


def _refits() -> dict[str, dict[str, float]]:
    found = {}
    for arrival, (rules, bad) in ARRIVALS.items():
        for tail, degrees in TAILS.items():
            lives = Lives(Rules(**{**vars(rules), "daily": Daily(degrees=degrees)}), LIVES, 7)
            before = 0
            for good in GOOD:
                _live(lives, good - before, 0.0)
                before = good
                for beyond in BEYOND:
                    turned = deepcopy(lives)
                    promotions = turned.promotions.copy()
                    _live(turned, bad, MARGIN * (1 + beyond), count=True)
                    _live(turned, APART // rules.every, MARGIN * (1 + beyond))  # until the last counted has left
                    found[f"{arrival}, {tail}, {good} good, then {1 + beyond:g} margins worse"] = {
                        "tried": int(turned.tried.sum()),
                        "promoted": float(turned.promoted.sum() / turned.tried.sum()),
                        "lines": float((turned.promoted > 0).mean()),
                        "good ones promoted": float(np.mean(promotions / good)),
                    }
    return found


def _hard(*, debts: bool, between: bool) -> dict[str, float]:
    """Return the same of the hardest challengers, on days that do not overlap.

    debts: whether what was lost is owed. between: whether one that is no worse comes after each.
    """
    rng, debt, won = np.random.default_rng(12), np.zeros(LIVES), np.zeros((LIVES, TRIED), dtype=bool)
    usual = (MARGIN - RARE * BOUND) / (1 - RARE)
    for i in range(TRIED):
        days = np.where(rng.random((LIVES, APART)) < RARE, BOUND, usual)
        held, _ = capital.curves(days, margin=MARGIN, bound=BOUND, debt=debt)
        won[:, i] = (held[:, HOLDOUT - 1 :] >= -math.log(LEVEL)).any(axis=1)
        debt = np.minimum(0.0, held[:, -1]) if debts else np.zeros(LIVES)
        if between:
            debt = capital.owed(Daily().draw(rng, days.shape), margin=MARGIN, bound=BOUND, debt=debt)
    return {"tried": won.size, "promoted": float(won.mean()), "lines": float(won.any(axis=1).mean())}


def _live(lives: Lives, challengers: int, effect: float, *, count: bool = False) -> None:
    for _ in range(challengers * lives.rules.every):
        lives.night(effect, count=count)


def show(found: dict[str, dict[str, dict[str, float]]], console: Console) -> None:
    """Print the tables."""
    rows: dict[str, dict[str, str]] = {}
    for name, row in found["refits"].items():
        how, worse = name.split(", then ")
        told = rows.setdefault(how, {"challengers": how, "good ones promoted": f"{row['good ones promoted']:.0%}"})
        told[f"{worse}: promoted (lines)"] = f"{row['promoted']:.3%} ({row['lines']:.1%})"
    said = f"{LIVES:,} lines, level {LEVEL}"
    table(
        console,
        f"5. Recipes that turn worse: promoted of the bad, and lines that promote any ({said})",
        [*rows.values()],
    )
    hard = [
        {
            "the hardest, worse by exactly the margin": name,
            "tried": f"{row['tried']:,}",
            "promoted": f"{row['promoted']:.2%}",
            f"lines of {TRIED} with any": f"{row['lines']:.1%}",
        }
        for name, row in found["hard"].items()
    ]
    table(console, f"5. The hardest challengers, {APART} days each ({said})", hard)


if __name__ == "__main__":
    show(lines(), Console(width=150))
