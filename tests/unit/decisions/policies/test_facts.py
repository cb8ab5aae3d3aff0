"""What is known on a night."""

from __future__ import annotations

import dataclasses

import pytest

from ratchet.decisions.policies import calendar, cost_aware, degradation, drift
from ratchet.decisions.policies.facts import NightFacts

NOTHING = NightFacts("2013-02-10", "1")


def test_nothing_known_asks_for_nothing() -> None:
    for policy, options in (
        (calendar, calendar.Options()),
        (drift, drift.Options()),
        (degradation, degradation.Options()),
        (cost_aware, cost_aware.Options(cost=1e-9)),
    ):
        assert policy.ask(NOTHING, options) is None


def test_facts_stay_what_they_are() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        NOTHING.champion = "2"  # type: ignore[misc]
