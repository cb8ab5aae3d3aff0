"""Part 7 of the gate's bench: 300 challengers, each a little worse than the champion of the moment.

Each is truly worse than the champion that it meets by a fifth of a margin: no duel with the champion can see it, and
the losses add up. What has the champion of the end lost against the first one, which was the best of all? A night's
challenger shares days with those before it, and half of a day's noise with the one next to it; or they come one after
the other, on days of their own. Then: how long an equal challenger waits where the champion lies behind the anchor.

The anchor comes back from a champion that was promoted as not worse by a margin, and is proved worse by its days since.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import capital, noise
from benchmarks.gate_lines import APART
from benchmarks.lives import Lives, Rules
from benchmarks.noise import BOUND, HOLDOUT, LEVEL, MARGIN, ROW_SD, SD, TAILS, Daily, table

LIVES, CHALLENGERS = 1000, 300
STEP = 0.2  # margins
GATES: dict[str, dict[str, Any]] = {
    "the duel": {"back": True},
    "the duel, its anchor never back": {},
    "the duel, half the margin always": {"half": True},
    "the duel with the champion alone": {"anchor": False},
    "better metric": {"gate": "better metric"},
    "row bootstrap": {"gate": "row bootstrap"},
    "day t-test": {"gate": "day t-test"},
}
ARRIVALS: dict[str, dict[str, Any]] = {
    "one a night": {"shared": 0.5},
    "one after the other": {"every": APART, "room": 1},
}
BEHIND = (0.0, 0.25, 0.5, 0.75, 0.8, 0.9)  # margins that the champion lies behind the anchor
LONGEST = 730  # nights


def creep() -> dict[str, Any]:
    """Return what is lost by each gate, in margins, and the days that an equal challenger waits."""
    found: dict[str, Any] = {"lost": {}, "waits": {}}
    for arrival, how in ARRIVALS.items():
        for tail, degrees in TAILS.items():
            for gate, rules in GATES.items():
                if not (degrees and how.get("every") and gate.startswith("the duel,")):  # they take longest
                    lives = _live(Rules(**rules, **how, daily=Daily(degrees=degrees)))
                    found["lost"][f"{gate} | {arrival}, {tail}"] = _lost(lives)
    for behind in BEHIND:
        found["waits"][str(behind)] = {**_alone(behind), **_loop(behind)}
    return found


def _live(rules: Rules) -> Lives:
    lives = Lives(rules, LIVES, 8)
    for _ in range(HOLDOUT - 1 + CHALLENGERS * rules.every):
        lives.night(STEP * MARGIN)
    return lives


def _lost(lives: Lives) -> dict[str, float]:
    lost = lives.loss[:, 0] / MARGIN
    return {
        "mean": float(lost.mean()),
        "95th percentile": noise.quantile(lost, 0.95),
        "worst": float(lost.max()),
        "above a margin": float((lost > 1 + 1e-9).mean()),
        "highest, 95th percentile": noise.quantile(lives.worst / MARGIN, 0.95),
        "promotions": float(lives.promotions.mean()),
        "came back": float(lives.backs.mean()),
        "anchor moved": float((lives.anchored > 0).mean()),
    }


def _alone(behind: float) -> dict[str, float]:
    """Return the days that one challenger needs, however long it may wait, without debts."""
    rng, found = np.random.default_rng(10), {}
    rival, champion, anchor = Daily(SD / math.sqrt(2)).draw(rng, (3, LIVES, LONGEST))
    ours, _ = capital.curves(rival - champion, margin=MARGIN, bound=BOUND)
    for name, margin in (("", MARGIN), (", half the margin", MARGIN / 2)):
        theirs, _ = capital.curves(rival - anchor + behind * MARGIN, margin=margin, bound=BOUND)
        both = np.minimum(ours, theirs)
        both[:, : HOLDOUT - 1] = -math.inf
        days = capital.decided(both, LEVEL)
        found |= {f"median{name}": noise.quantile(days, 0.5), f"nine in ten{name}": noise.quantile(days, 0.9)}
    return found


def _loop(behind: float) -> dict[str, float]:
    """Return the nights until an equal challenger is promoted, where one comes every night and has the contract's days.

    From the first night that one is judged.
    """
    lives = Lives(Rules(shared=0.5), LIVES, 11)
    lives.begin_behind(behind * MARGIN)
    nights = np.full(LIVES, math.inf)
    for night in range(LONGEST):
        replaced = lives.night(0.0)
        nights[replaced & np.isinf(nights)] = night - HOLDOUT + 1
        if np.isfinite(nights).all():
            break
    return {"loop, median": noise.quantile(nights, 0.5), "loop, nine in ten": noise.quantile(nights, 0.9)}


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    rows = []
    for name, row in found["lost"].items():
        gate, how = name.split(" | ")
        numbers = ("mean", "95th percentile", "worst", "highest, 95th percentile", "promotions", "came back")
        told = {each: f"{row[each]:.2f}" for each in numbers}
        rows.append({"gate": gate, "challengers": how, **told, "above a margin": f"{row['above a margin']:.1%}"})
    said = f"{LIVES:,} lives of {CHALLENGERS} challengers, each {STEP} margins worse than the champion"
    table(console, f"7. Creep: lost against the best, in margins ({said}; row sd {ROW_SD})", rows)
    rows = [
        {"behind the anchor, margins": name, **{each: noise.days(value) for each, value in row.items()}}
        for name, row in found["waits"].items()
    ]
    table(console, "7. Days that an equal challenger waits: alone, and in a loop", rows)


if __name__ == "__main__":
    show(creep(), Console(width=170))
