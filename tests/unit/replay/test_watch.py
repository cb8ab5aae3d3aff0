"""The drift check of a replay's night."""

from __future__ import annotations

from pathlib import Path

from ratchet.replay import run as replays
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
