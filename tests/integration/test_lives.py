"""One life, two worlds: a history lived by the steps and by the replay comes to the same ledger, entry by entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.decisions import worth
from ratchet.decisions.entries import Judged, only
from ratchet.lifecycle import predictions
from ratchet.steps import performance
from tests.given import lives


def test_three_weeks_lived_by_the_steps_and_by_the_replay_come_to_the_same_ledger(tracked: Path) -> None:
    steps = lives.Steps(tracked, lives.FEW, gate=lives.BESIDE)
    for night in lives.FEW.nights:
        steps.night(night)
    ours, theirs = steps.entries(), lives.relived(lives.FEW, tracked / "cache")
    assert lives.comparable(ours) == lives.comparable(list(theirs.ledger))
    shifted = 0
    for day, told in theirs.measures.live.items():
        found = predictions.told(steps.loop, day)
        assert found is not None
        said = found.column("intercept").to_pylist() if "intercept" in found.column_names else [None]
        expected = {(part.fit.shift(part.data, day) or (0.0,))[0] for part in told.parts}
        assert sorted({shift or 0.0 for shift in said}) == pytest.approx(sorted(expected)), day
        shifted += expected != {0.0}
    assert shifted >= 3
    assert {"promoted", "rejected", "requested", "paused", "resumed", "asked", "rolled_back"} <= {e.kind for e in ours}


def test_days_that_a_champion_was_trained_on_count_in_neither_life(tracked: Path) -> None:
    story, name = lives.TAUGHT, "harbour_taught"
    steps = lives.Steps(tracked, story, name)
    for night in story.nights:
        steps.night(night)
    loop, theirs = catalog.load(name), lives.relived(story, tracked / "cache", name)
    learnt = predictions.trained(loop)
    assert learnt == {number: version.stands[0].until for number, version in theirs.versions.items()}
    # What came late is told by who has seen it, and marked.
    for day, told, rows in (("2013-02-28", 38, 38), ("2013-03-06", 40, 40), ("2013-03-07", 42, 2)):
        found = predictions.told(loop, day)
        assert found is not None
        assert (found.num_rows, found.num_rows - predictions.unseen(found).num_rows) == (told, rows), day
    for number, until in learnt.items():
        ours = performance.history(loop, number, story.last)
        assert ours == pytest.approx(theirs.measures.losses(number))
        assert all(day > until for day in ours)
    # A predecessor's duel does not hold the 6th, nor of the 7th the two rows that were told by who had seen it.
    held = [each for night in story.nights if (found := performance.read(loop, night)) for each in found.predecessor]
    assert held
    assert "2013-03-06" not in {day for day, *_ in held}
    assert {rows for day, rows, *_ in held if day == "2013-03-07"} <= {38, lives.ROWS}
    assert lives.comparable(steps.entries()) == lives.comparable(list(theirs.ledger))


def test_a_loop_whose_duels_are_fought_in_its_own_unit_comes_to_the_same_ledger(tracked: Path) -> None:
    story, name = lives.SHORT, "harbour_value"
    steps = lives.Steps(tracked, story, name, lives.COSTS)
    for night in story.nights:
        steps.night(night)
    theirs = lives.relived(story, tracked / "cache", name)
    assert lives.comparable(steps.entries()) == lives.comparable(list(theirs.ledger))
    judged = only(steps.entries(), Judged)
    assert len({each.kind for each in judged}) > 1
    assert {each.terms.loss for each in judged if each.terms} == {catalog.load(name).measured_in}
    assert all(each.worth for each in judged if each.against or each.champion)
    assert all(
        f"worth {worth.number(each.worth['a_week'])} litres a week" in each.reason for each in judged if each.worth
    )
    looked = [found for night in story.nights if (found := performance.read(catalog.load(name), night))]
    assert looked
    assert all(found.estimated == {} for found in looked)
    loop = catalog.load(name)
    for number in theirs.versions:
        assert performance.history(loop, number, story.last) == pytest.approx(theirs.measures.losses(number))
