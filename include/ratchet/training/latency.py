"""How long one row's prediction takes, told so that a busy or a slow machine hardly matters.

A time alone says as much of the machine as of the model: the same one took 1.9 ms, 46 ms and 2 s while four processes
kept two cores busy. So a fixed piece of work, of the kind that a prediction is made of, is timed beside it in the same
moments; the best of several rounds counts, and one thread, for threads that wait for each other wait for the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.training.model import Model

LEAST, MOST = 20, 60  # rounds
TRIES = 5  # where the best is beyond what is allowed
SECONDS = 0.4  # after which no further round begins
EARLIEST = 5  # rounds, after which a latency is far enough within its bound ...
FAR = 10  # ... where the bound is so many times as much: more rounds would only lessen it
LONGEST = 100  # repeats of the shorter of the two, that it may last as long as the other


@dataclass(frozen=True)
class Latency:
    """What was measured."""

    ms: float  # milliseconds on a machine on which the reference takes one
    wall_ms: float  # milliseconds that went by on this machine, at best


def latency(model: Model, rows: pa.Table, most: float | None = None) -> Latency:
    """Measure the prediction of one row. most: as of `within`."""
    from threadpoolctl import threadpool_limits

    one = rows.slice(0, 1)
    with threadpool_limits(limits=1):
        return compare(lambda: model.predict(one), reference, most=most)


def within(model: Model, rows: pa.Table, most: float | None) -> Latency:
    """Measure until a latency is within a bound, at most five times; return the best.

    most: in milliseconds of the reference; None bounds nothing.
    """
    found = latency(model, rows, most)
    for _ in range(TRIES - 1):
        if most is None or found.ms <= most:
            break
        found = min(found, latency(model, rows, most), key=lambda each: each.ms)
    return found


def compare(
    work: Callable[[], object],
    beside: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
    most: float | None = None,
) -> Latency:
    """Time a piece of work and, in turns, the work beside it; return the ratio of the best of each.

    The shorter of the two is repeated until it lasts as long, that both are interrupted alike. It is the bests that are
    divided, for of the rounds' own ratios the least is one in which the work beside it was interrupted: beside eight
    busy processes they came to between 0.03 and 45 for a model of 1.9. most: milliseconds that are allowed; of what is
    far within them fewer rounds are enough.
    """
    for each in (work, beside):  # what is imported or allocated at the first call
        each()
    taken, one = (min(_mean(each, 1, clock) for _ in range(5)) for each in (work, beside))
    begun, rounds = clock(), 0
    while rounds < LEAST or (rounds < MOST and clock() - begun < SECONDS):
        again, times = _repeats(one, taken), _repeats(taken, one)
        taken, one = min(taken, _mean(work, again, clock)), min(one, _mean(beside, times, clock))
        rounds += 1
        if most is not None and rounds >= EARLIEST and taken / one * FAR <= most:
            break
    return Latency(taken / one, taken * 1000)


def reference() -> float:
    """Do a fixed piece of work in Python and NumPy; about a millisecond on one core of a server of 2024."""
    import numpy as np

    values, total = np.arange(64.0), 0.0
    for number in range(150):
        values = np.clip(values * 1.0001 + 1.0, 0.0, 1e6)
        named = {str(each): each for each in range(10)}
        total += float(values[number % 64]) + named["9"]
    return total


def _mean(work: Callable[[], object], times: int, clock: Callable[[], float]) -> float:
    """Return seconds a call."""
    begun = clock()
    for _ in range(times):
        work()
    return max(clock() - begun, 1e-9) / times


def _repeats(longer: float, shorter: float) -> int:
    return max(1, min(LONGEST, round(longer / shorter)))
