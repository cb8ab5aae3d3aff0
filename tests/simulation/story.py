"""What happens in a life: drawn from a seed, and shrunk where it breaks something."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from ratchet.partitions import shift

BEGIN = "2013-01-01"
QUIET = 30  # nights at the end on which nothing goes wrong


@dataclass(frozen=True)
class Event:
    """Something that happens on a night."""

    night: int
    kind: str  # dies, killed, refused, rests, correction, asleep, answer, says, cleared, by_hand, rollback
    what: str = ""  # a step, or what is said
    number: int = 0  # of the effect before which a step dies; of nights that an answer takes; of nights ago


@dataclass(frozen=True)
class Rules:
    """What the contract says."""

    deploy: str
    approval: tuple[str, ...]
    aim: str
    shadows: int
    patience: int
    cooldown: int
    per_week: int | None
    calendar: int
    anchor_days: int = 90


@dataclass(frozen=True)
class Story:
    """A life to be lived."""

    seed: int
    nights: int
    rules: Rules
    events: tuple[Event, ...]

    def on(self, night: int) -> list[Event]:
        """List a night's events."""
        return [each for each in self.events if each.night == night]


STEPS = ("turn", "publish", "score", "performance", "decide", "duel", "evaluate", "gate", "refit", "promote", "close")
RATES = {  # of each kind, a night
    "dies": 0.25,
    "killed": 0.01,
    "refused": 0.03,
    "rests": 0.05,
    "correction": 0.04,
    "asleep": 0.02,
    "answer": 0.15,
    "says": 0.03,
    "cleared": 0.08,
    "by_hand": 0.02,
    "rollback": 0.004,
}


def draw(seed: int, nights: int) -> Story:
    """Draw a story."""
    rng = random.Random(seed)
    rules = Rules(
        deploy=rng.choice(("refit", "evaluated")),
        approval=rng.choice(((), (), ("ada",))),
        aim=rng.choice(("superior", "non_inferior")),
        shadows=rng.randint(1, 3),
        patience=rng.choice((3, 6, 12, 28)),
        cooldown=rng.choice((0, 1, 2, 5)),
        per_week=rng.choice((None, None, 1, 2, 3)),
        calendar=rng.randint(1, 9),
        anchor_days=rng.choice((10, 30, 90)),
    )
    events = []
    for night in range(nights - QUIET):
        for kind, rate in RATES.items():
            if rng.random() < rate:
                what = rng.choice(STEPS) if kind in ("dies", "killed", "cleared") else ""
                what = rng.choice(("pause", "resume", "resume", "ask")) if kind == "says" else what
                events.append(Event(night, kind, what, rng.randint(0, 5)))
    return Story(seed, nights, rules, tuple(events))


def shrink(story: Story, breaks: Callable[[Story], bool]) -> Story:
    """Return a story that still breaks, without the nights and events that do not matter."""
    holds = 0  # so many nights break nothing
    while story.nights - holds > 1:
        nights = (holds + story.nights) // 2
        shorter = replace(story, nights=nights, events=tuple(e for e in story.events if e.night < nights))
        if breaks(shorter):
            story = shorter
        else:
            holds = nights
    for event in story.events:
        without = replace(story, events=tuple(e for e in story.events if e is not event))
        if breaks(without):
            story = without
    return story


def day(night: int) -> str:
    """Return the partition of a night."""
    return shift(BEGIN, night)
