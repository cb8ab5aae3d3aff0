"""The drift check of a replay's night."""

from __future__ import annotations

from pathlib import Path

from ratchet.replay import run as replays
from ratchet.replay import watch
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from tests.given.replays import FIRST, LAST


def test_a_drift_policy_is_replayed_with_productions_reference(past: History, replayed: Path) -> None:
    fits = Fits(past.loop, replayed / "cache")
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    outcome = replays.live(past, fits, Case("drift:columns=1,cooldown_days=2"), nights)
    assert outcome.retrainings >= 1
    assert any("drift: " in night["reason"] for night in outcome.nights)


def test_thresholds_are_those_of_the_contract_of_now(past: History, replayed: Path) -> None:
    """They were calibrated once a fit, and stayed whatever the contract said since."""
    fit = Fits(past.loop, replayed / "cache").get(past.now, "2013-01-02", "2013-01-10")
    monitor = past.loop.monitor.model_copy(update={"alarms_per_year": 300.0})
    rare, often = (
        watch._reference(fit, past.loop.model_copy(update={"monitor": each})).about
        for each in (past.loop.monitor, monitor)
    )
    assert (rare["alarms_per_year"], often["alarms_per_year"]) == (past.loop.monitor.alarms_per_year, 300.0)
    assert all(often["thresholds"][name] <= each for name, each in rare["thresholds"].items())
