"""Live many stories, on all cores, and shrink the first that breaks an invariant."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from unittest import mock

from ratchet.decisions import duel
from tests.simulation.invariants import Broken
from tests.simulation.life import live
from tests.simulation.story import Story, draw, shrink

YEAR = 365  # nights
CHUNK = 20  # stories that a process lives at once


@dataclass(frozen=True)
class Found:
    """What the stories of some seeds have come to."""

    nights: int
    entries: Counter[str]  # how many of each kind were written
    seed: int | None = None  # of the first story that broke an invariant ...
    rule: str = ""  # ... and which
    story: Story | None = None  # that story, shrunk

    @property
    def told(self) -> str:
        """Tell what broke, and how to see it again."""
        return f"seed {self.seed} breaks: {self.rule}\n{self.story}"


def length(seed: int) -> int:
    """Return how many nights the story of a seed has: a whole year of every twentieth, else a fifth of one."""
    return YEAR if seed % 20 == 0 else YEAR // 5


def years(count: int, first: int = 0, cores: int | None = None) -> Found:
    """Live so many years, in stories of the seeds from `first` on; stop where one breaks an invariant."""
    seeds, wanted = [first], count * YEAR - length(first)
    while wanted > 0:
        seeds.append(seeds[-1] + 1)
        wanted -= length(seeds[-1])
    chunks = [seeds[n : n + CHUNK] for n in range(0, len(seeds), CHUNK)]
    nights, entries = 0, Counter[str]()
    with ProcessPoolExecutor(cores or os.cpu_count(), mp_context=get_context("fork")) as pool:
        for found in pool.map(search, chunks):
            nights, entries = nights + found.nights, entries + found.entries
            if found.seed is not None:
                pool.shutdown(cancel_futures=True)
                return Found(nights, entries, found.seed, found.rule, found.story)
    return Found(nights, entries)


def search(seeds: Sequence[int]) -> Found:
    """Live the stories of some seeds, in this process."""
    lived, entries = 0, Counter[str]()
    for seed in seeds:
        story = draw(seed, length(seed))
        rule = _broken(story)
        if not isinstance(rule, str):
            lived, entries = lived + story.nights, entries + rule
            continue
        shrunk = shrink(story, lambda other, rule=rule: _rule(_broken(other)) == _rule(rule))  # type: ignore[misc]
        return Found(lived, entries, seed, rule, shrunk)
    return Found(lived, entries)


def _broken(story: Story) -> str | Counter[str]:
    """Return what a story breaks; the entries that it wrote where it breaks nothing.

    The interval of a duel is told and decides nothing: it is left out, for it takes a third of the time.
    """
    try:
        with mock.patch.object(duel, "_interval", lambda days, margin, bound, level: (-bound, bound)):
            return Counter(entry.kind for entry in live(story).ledger_)
    except Broken as error:
        return str(error)


def _rule(found: str | Counter[str]) -> str:
    return found.partition(":")[0] if isinstance(found, str) else ""
