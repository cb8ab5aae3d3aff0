"""Sixty nights of drawn stories, lived by the steps and by the replay: the same ledger, entry by entry."""

from __future__ import annotations

from pathlib import Path

from tests.given import lives


def test_sixty_nights_of_a_drawn_story_come_to_the_same_ledger(tracked: Path) -> None:
    story = lives.drawn(seed=11, nights=60)
    steps = lives.Steps(tracked, story)
    for night in story.nights:
        steps.night(night)
    ours = steps.entries()
    assert lives.comparable(ours) == lives.comparable(lives.replayed(story, tracked / "cache"))
    assert len(ours) > 60
