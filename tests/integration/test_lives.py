"""One life, two worlds: a history lived by the steps and by the replay comes to the same ledger, entry by entry."""

from __future__ import annotations

from pathlib import Path

from tests.given import lives


def test_three_weeks_lived_by_the_steps_and_by_the_replay_come_to_the_same_ledger(tracked: Path) -> None:
    steps = lives.Steps(tracked, lives.FEW)
    for night in lives.FEW.nights:
        steps.night(night)
    ours, theirs = steps.entries(), lives.replayed(lives.FEW, tracked / "cache")
    assert lives.comparable(ours) == lives.comparable(theirs)
    assert {"promoted", "rejected", "requested", "paused", "resumed", "asked", "rolled_back"} <= {e.kind for e in ours}
