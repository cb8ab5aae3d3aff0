"""Daily differences of two models, drawn: what the drawn parts of the gate's bench are made of.

A day's difference of two equal models has a deviation of 0.0079 log loss (a refit of the flights against a model a week
older). It is normal, or of Student's t with 3 degrees scaled to the same deviation: some days are far out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import flights
from ratchet import catalog
from ratchet.contract.rules import Gate

GATE: Gate = catalog.load(flights.LOOP).gate
MARGIN, BOUND, LEVEL = GATE.margin, GATE.bound or 0.05, GATE.level
HOLDOUT = 7  # days
SD = 0.0079  # of the daily difference of two equal models, log loss
ROWS, ROW_SD = 900, 0.1  # rows of a day, and the deviation of a row's difference: 0.0033 of a day's 0.0079 is theirs
TAILS = {"normal": None, "t of 3 degrees": 3}


@dataclass(frozen=True)
class Daily:
    """How a day's differences spread about their mean."""

    sd: float = SD
    degrees: int | None = None  # of Student's t; None where it is normal

    def scale(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return what a normal variable of each day is multiplied by: of one mean square, whatever the degrees."""
        if self.degrees is None:
            return np.full(shape, self.sd)
        return self.sd * np.sqrt((self.degrees - 2) / rng.chisquare(self.degrees, shape))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw independent days."""
        return rng.standard_normal(shape) * self.scale(rng, shape)


def days(value: float) -> str:
    """Say a number of days, which may be infinite."""
    return f"{value:.0f}" if math.isfinite(value) else "never"


def quantile(values: np.ndarray, share: float) -> float:
    """Return the value that a share of all do not exceed; infinite ones count."""
    return float(np.quantile(values, share, method="inverted_cdf"))


def table(console: Console, title: str, rows: list[dict[str, str]]) -> None:
    """Print rows that have the same columns."""
    found = Table(*rows[0], title=title)
    for row in rows:
        found.add_row(*row.values())
    console.print(found)
