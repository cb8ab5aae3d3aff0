"""Evaluations of a challenger, made of the mean differences of its days: what a first look is taken at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet.decisions import duel
from ratchet.decisions.evaluation import parse
from ratchet.decisions.lifecycle import Training
from ratchet.partitions import shift
from tests.given.clusters import days

FIRST = "2013-01-01"


def training(run: str, differences: Sequence[float] | None, recipe: str = "recipe", **changes: Any) -> Training:
    """Return a training judged on seven days, with these differences to the champion; None: there is none."""
    held = [shift(FIRST, n) for n in range(7)]
    found = {
        "champion": None if differences is None else "1",
        "days": {day: {"rows": 10, "challenger": 1.0} for day in held},
        "metrics": {"challenger": {"mae": 1.0}},
        "compared": None if differences is None else duel.dump(days(differences)),
        "challenger_loss": 1.0,
        "champion_loss": None if differences is None else 1.0,
        "slices": {},
        "fairness": {},
        "behaviour": {},
        "latency_ms": 1.0,
        "size_mb": 1.0,
        "signatures": [],
        "unaccepted": {},
        "first": None,
        **changes,
    }
    return Training(run, run, recipe, parse(found, run), minutes=1.0)
