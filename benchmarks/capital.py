"""The capital of duels over many lives at once: `ratchet.decisions.duel` a day at a time in NumPy, for the bench.

tests/benchmarks/test_capital.py holds the two together: to 1e-9, over differences, margins, bounds and debts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ratchet.decisions import needed
from ratchet.decisions.duel import BETS, MOST, WIDTH

_SHARES = np.array(BETS)
NEVER = math.inf  # the day of what does not come


@dataclass(frozen=True)
class Duels:
    """Duels that go on side by side, in any shape; `bet` changes the arrays in place."""

    rival: np.ndarray  # (..., bets): log capital of each bet of the bettor on the rival, without its debt
    champion: np.ndarray  # the same of the bettor on the champion
    squares: np.ndarray  # (...): sum of the squared differences so far, and of what stands for them before the first
    days: np.ndarray  # (...): how many there were

    def put(self, to: tuple[object, ...], other: Duels, at: tuple[object, ...]) -> None:
        """Let the duels at an index be copies of others."""
        for ours, theirs in zip(vars(self).values(), vars(other).values(), strict=True):
            ours[to] = theirs[at]


def begin(shape: tuple[int, ...], bound: float) -> Duels:
    """Return duels without a day."""
    bets = (*shape, len(BETS))
    return Duels(np.zeros(bets), np.zeros(bets), np.full(shape, (bound / WIDTH) ** 2), np.zeros(shape))


def bet(held: Duels, difference: np.ndarray, margin: np.ndarray | float, bound: float) -> None:
    """Add a day to each duel. difference, in the loss's units, and margin: as wide as the duels."""
    clipped = np.clip(difference, -bound, bound)
    margin = np.asarray(margin)
    held.days[...] += 1
    limit = np.clip(WIDTH * np.sqrt(held.squares / held.days), 2 * np.abs(margin), bound)
    for won, sign in ((held.rival, 1.0), (held.champion, -1.0)):
        most = MOST / (bound - sign * margin)
        stake = np.minimum(_SHARES / np.maximum(limit - sign * margin, 1e-300)[..., None], most[..., None])
        won += np.log1p(stake * (sign * (margin - clipped))[..., None])  # noqa: PLW2901 (in place)
    held.squares[...] += clipped**2


def log(capital: np.ndarray) -> np.ndarray:
    """Return the log of the mean capital of the bets. capital: (..., bets)."""
    found: np.ndarray = np.logaddexp(capital[..., 0], capital[..., 1]) - math.log(len(BETS))
    return found


def curves(
    differences: np.ndarray, *, margin: float, bound: float, debt: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the two bettors' log capital after each day, as `duel.curve` does. differences: (lives, days)."""
    rival = needed.capital(differences, margin=margin, bound=bound) + np.expand_dims(debt, -1)
    return rival, needed.capital(-differences, margin=-margin, bound=bound)


def owed(differences: np.ndarray, *, margin: float, bound: float, debt: np.ndarray | float = 0.0) -> np.ndarray:
    """Return what the rival of each life leaves to the next, as `duel.owed` does. differences: (lives, days)."""
    if not differences.shape[1]:
        return np.minimum(0.0, np.broadcast_to(debt, differences.shape[:1]))
    return np.minimum(0.0, curves(differences, margin=margin, bound=bound, debt=debt)[0][:, -1])


def decided(capital: np.ndarray, level: float) -> np.ndarray:
    """Return the day, from 1, at which each life's log capital first decides. capital: (lives, days)."""
    enough = capital >= -math.log(level)
    return np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, NEVER)
