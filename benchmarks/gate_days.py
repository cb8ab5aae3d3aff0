"""Part 8 of the gate's bench: in how many days a difference is seen, by aim and by level.

A rival that is better by 0.01 (aim superior), and a damaged champion whose predecessor is better by 0.04 a day with a
deviation of 0.034, each day clipped to the bound, as a rollback sees it. Beside the second what the same level costs:
predecessors that come back within 37 days though they are equal, or worse by 0.005; and within a year, for an anchor
may come back as long as it stands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import capital, noise
from benchmarks.noise import BOUND, LEVEL, TAILS, Daily, table

LIVES, NIGHTS = 4000, 365
BETTER = (0.005, 0.01, 0.02)  # log loss
LEVELS = (0.05, 0.1, 0.2)
DAMAGE, DAMAGE_SD = 0.04, 0.034  # log loss a day, of a model trained with the labels of one airport shuffled
WATCHED = 37  # days


def days() -> dict[str, Any]:
    """Return the days until a better rival is promoted, and until a damaged champion is rolled back."""
    found: dict[str, Any] = {"better": {}, "rollback": {}}
    for tail, degrees in TAILS.items():
        daily = Daily(degrees=degrees)
        for effect in BETTER:
            drawn = daily.draw(np.random.default_rng(4), (LIVES, NIGHTS)) - effect
            for level in LEVELS[:2]:
                found["better"][f"{effect}, {tail}, level {level}"] = _first(drawn, level)
        damaged = Daily(DAMAGE_SD, degrees).draw(np.random.default_rng(5), (LIVES, NIGHTS)) - DAMAGE
        still = daily.draw(np.random.default_rng(6), (LIVES, NIGHTS))
        for level in LEVELS:
            found["rollback"][f"{level}, {tail}"] = {
                **_first(damaged, level),
                "clipped mean": float(np.clip(damaged, -BOUND, BOUND).mean()),
                "equal": _share(still[:, :WATCHED], level),
                "worse by 0.005": _share(still[:, :WATCHED] + 0.005, level),
                "equal, a year": _share(still, level),
            }
    return found


def _decided(drawn: np.ndarray, level: float) -> np.ndarray:
    return capital.decided(capital.curves(drawn, margin=0.0, bound=BOUND)[0], level)


def _first(drawn: np.ndarray, level: float) -> dict[str, float]:
    first = _decided(drawn, level)
    return {"median": noise.quantile(first, 0.5), "nine in ten": noise.quantile(first, 0.9)}


def _share(drawn: np.ndarray, level: float) -> float:
    return float(np.isfinite(_decided(drawn, level)).mean())


def show(found: dict[str, Any], console: Console) -> None:
    """Print the tables."""
    rows = [
        {"better by": name, "median": noise.days(row["median"]), "nine in ten": noise.days(row["nine in ten"])}
        for name, row in found["better"].items()
    ]
    table(console, f"8. Days to see a better rival (aim superior; the contract's level is {LEVEL})", rows)
    rows = [
        {
            "rollback_level": name,
            "days, median": noise.days(row["median"]),
            "nine in ten": noise.days(row["nine in ten"]),
            f"back in {WATCHED} days, equal": f"{row['equal']:.1%}",
            "worse by 0.005": f"{row['worse by 0.005']:.1%}",
            "in a year, equal": f"{row['equal, a year']:.1%}",
            "damage, clipped": f"{row['clipped mean']:+.4f}",
        }
        for name, row in found["rollback"].items()
    ]
    table(console, "8. Days to turn back from a damaged champion", rows)


if __name__ == "__main__":
    show(days(), Console(width=150))
