"""Part 5 of the gate's bench: refits of one recipe that were as good as the champion for long, and turn worse.

For so many challengers each is truly equal to the champion of the moment; then each is worse than it by the margin
(which is the hypothesis itself) or by half, one or two margins more. How many of these are promoted, each by its own
days, its line's debt before it? At most a share of `level` may be, and where they come one after the other on days that
do not overlap, at most that share of lines may promote any. What earlier ones have won helps nobody.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from rich.console import Console

from benchmarks.lives import Lives, Rules
from benchmarks.noise import LEVEL, MARGIN, TAILS, Daily, table

LIVES = 1000
GOOD = (60, 300)  # challengers before the recipe turns worse
BEYOND = (0.0, 0.5, 1.0, 2.0)  # margins beyond the margin
APART = 30  # nights from one challenger to the next, where days do not overlap: nobody's evidence has more days
ARRIVALS = {
    "one a night": (Rules(anchor=False, shared=0.5), 60),  # and how many of the bad are counted
    "one after the other": (Rules(anchor=False, every=APART, room=1), 20),
}


def lines() -> dict[str, dict[str, float]]:
    """Return the share of the bad that are promoted, and of the lines that promote any."""
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


def _live(lives: Lives, challengers: int, effect: float, *, count: bool = False) -> None:
    for _ in range(challengers * lives.rules.every):
        lives.night(effect, count=count)


def show(found: dict[str, dict[str, float]], console: Console) -> None:
    """Print the table."""
    rows = [
        {
            "challengers": name,
            "tried": f"{row['tried']:,}",
            "promoted": f"{row['promoted']:.3%}",
            "lines with any": f"{row['lines']:.1%}",
            "good ones promoted": f"{row['good ones promoted']:.0%}",
        }
        for name, row in found.items()
    ]
    table(console, f"5. Recipes that turn worse ({LIVES:,} lines, level {LEVEL})", rows)


if __name__ == "__main__":
    show(lines(), Console(width=150))
