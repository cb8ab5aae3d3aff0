"""What is known on a night, for the policies and the admission to weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ratchet.decisions import staleness


@dataclass(frozen=True)
class NightFacts:
    """What is known on the night of `partition`."""

    partition: str
    champion: str  # its version
    trained: str = ""  # the night of its training, whose labels it was trained or judged on
    drifted: Sequence[str] = ()  # columns beyond their calibrated thresholds
    drift_days: int = 0  # days of the window that were compared ...
    drift_window: int = 1  # ... of so many on which rows were expected, or came
    never_came: Sequence[str] = ()  # of them, days of which nobody has heard
    loss: str = ""  # the contract's, which live and estimated losses are in ...
    loss_words: str = ""  # ... and what a person calls it
    # Day -> the champion's loss on its labelled days since it went live.
    live: dict[str, float] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)  # day -> its loss on days whose labels have not come
    holdout: Sequence[float] = ()  # its daily losses on its holdout ...
    judged_in: str = ""  # ... in the loss that its evaluation was in; nothing where that does not say
    news: Sequence[float] = ()  # what it has missed, a value a day since its training
    past: Sequence[staleness.Compared] = ()  # first looks of earlier duels
    changed: str = ""  # what models are made by that has changed since the last training, and the commit; or nothing
    asked: Sequence[str] = ()  # who asked for a retraining since the last one, and why
    # Day -> why, of days in the window whose delivery was refused.
    bad_data: dict[str, str] = field(default_factory=dict)
    requested: dict[str, str] = field(default_factory=dict)  # night -> key of earlier requests
    pending: Sequence[str] = ()  # keys of those without an outcome
    minutes: dict[str, float] = field(default_factory=dict)  # night -> minutes of training
    paused: str = ""  # why, where somebody has paused the loop
