"""What is known on a night, for the policies and the admission."""

from __future__ import annotations

from typing import Any

from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import shift

NIGHT = "2013-02-10"
HOLDOUT = [0.5, 0.52, 0.48, 0.5, 0.51, 0.49, 0.5]


def facts(**changes: Any) -> NightFacts:
    """Return a quiet night, with changes."""
    base = {
        "partition": NIGHT,
        "champion": "3",
        "trained": "2013-01-31",
        "drift_days": 7,
        "drift_window": 7,
        "holdout": HOLDOUT,
    }
    return NightFacts(**{**base, **changes})


def live(*losses: float) -> dict[str, float]:
    """Return a live loss a day, from the 20th of January on."""
    return {shift("2013-01-20", i): loss for i, loss in enumerate(losses)}
