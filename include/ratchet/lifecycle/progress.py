"""Progress of a long step, told to whoever waits: a line on standard error, which a task's log in Airflow shows too."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_EVERY = 10.0  # seconds between two lines; what takes less says nothing


class Progress:
    """Days that are done, of all."""

    def __init__(self, verb: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._verb, self._total, self._clock = verb, total, clock
        self._started = self._told = clock()
        self._done = 0

    def done(self, day: str) -> None:
        """Count a day, and tell where the last line is a while ago."""
        self._done += 1
        now = self._clock()
        if now - self._told < _EVERY or self._done == self._total:
            return
        self._told = now
        left = (now - self._started) / self._done * (self._total - self._done)
        told = f"{self._verb} {self._done:,} of {self._total:,} days, {day}; {span(left)} left"
        print(told, file=sys.stderr, flush=True)


def span(seconds: float) -> str:
    """Say how long that is, in words."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    hours = round(seconds / 3600)
    return f"about {hours} hours"
