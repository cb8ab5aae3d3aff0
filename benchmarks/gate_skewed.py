"""Part 6 of the gate's bench: years of 365 nights of two models that are equal on average, with skewed differences.

How many years have any promotion by proof of "better" (aim superior, margin 0, level 0.05)? At most 5 % may, where the
clipped differences are 0 on average. Where the bound cuts what a rare day costs they are below 0: the rival is better
in what is claimed, and its promotion is no error of the duel's. What it is worth is a question of the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.console import Console

from benchmarks import capital
from benchmarks.gate_drawn import NIGHTS, day_test
from benchmarks.noise import BOUND, HOLDOUT, LEVEL, TAILS, Daily, table

YEARS = 4000
RARE = 1 / 20  # of the days are the bad ones, drawn each night


@dataclass(frozen=True)
class Skewed:
    """A rival that is a little better on most days and worse on a rare one, equal on average."""

    usual: float  # its difference, log loss
    rare: float
    bound: float

    @property
    def clipped(self) -> float:
        """Return the mean of the clipped differences."""
        return (1 - RARE) * max(self.usual, -self.bound) + RARE * min(self.rare, self.bound)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw years: (years, nights)."""
        return np.where(rng.random((YEARS, NIGHTS)) < RARE, self.rare, self.usual)


CASES = (
    Skewed(-0.005, 0.095, 0.15),
    Skewed(-0.005, 0.095, 0.1),
    Skewed(-0.005, 0.095, BOUND),
    Skewed(-0.002, 0.038, BOUND),
    Skewed(-0.0025, 0.0475, BOUND),
)


def skewed() -> dict[str, dict[str, float]]:
    """Return, for each kind of difference, the share of years with any promotion, by the duel and by a t-test."""
    found = {}
    for each in CASES:
        name = f"{each.usual:+.4f}, one day in twenty {each.rare:+.4f}"
        found[f"{name}, bound {each.bound}"] = _years(each.draw(np.random.default_rng(2)), each.bound, each.clipped)
    for tail, degrees in TAILS.items():
        years = Daily(degrees=degrees).draw(np.random.default_rng(3), (YEARS, NIGHTS))
        found[f"equal, {tail}, bound {BOUND}"] = _years(years, BOUND, 0.0)
    return found


def _years(years: np.ndarray, bound: float, clipped: float) -> dict[str, float]:
    rival, _ = capital.curves(years, margin=0.0, bound=bound)
    tested = [(day_test(each)[HOLDOUT - 1 :] < LEVEL).any() for each in years[:500]]
    return {
        "clipped mean": clipped,
        "the duel": float(np.isfinite(capital.decided(rival, LEVEL)).mean()),
        "day t-test": float(np.mean(tested)),
    }


def show(found: dict[str, dict[str, float]], console: Console) -> None:
    """Print the table."""
    rows = [
        {
            "differences": name,
            "mean, clipped": f"{row['clipped mean']:+.5f}",
            "years with a promotion, the duel": f"{row['the duel']:.1%}",
            "day t-test": f"{row['day t-test']:.1%}",
            "": "better in what is claimed" if row["clipped mean"] < 0 else "",
        }
        for name, row in found.items()
    ]
    table(console, f"6. Equal on average, skewed ({YEARS:,} years)", rows)


if __name__ == "__main__":
    show(skewed(), Console(width=150))
