"""Close: a night ends once, and one that asked for a training when that is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import writing
from ratchet.decisions.entries import Paused
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, ledger, nights
from tests.conftest import ingest, step
from tests.given import watched as given
from tests.given.entries import entry
from tests.given.nights import DAYS, ask_for_a_training, end, ended, opened, turn


def test_a_night_whose_day_never_came_does_not_end(place: Path) -> None:
    """It was said to be lived, and stood as published in the registry."""
    for day in DAYS[:2]:
        turn(day)
    assert step("fetch", "wind", partitions=DAYS[1]).outcome == "waiting"
    ask_for_a_training(DAYS[1], "drift__v1")
    for day in DAYS[:2]:
        with pytest.raises(DataError, match=f"The night of {day} .* not published. Run the steps fetch, validate and"):
            step("close", "wind", partition=day)
    assert (opened(), ended(DAYS[0]), ended(DAYS[1])) == (DAYS[:2], "", "")


def test_a_night_ends_once_when_it_has_decided(watched: Path) -> None:
    night, registry = "2013-01-17", dataset.registry()
    given.turn(night)
    ledger.say(catalog.load("wind_watched"), Paused, "it shall ask for no training")
    ingest("wind_watched", night, "night")
    step("score", "wind_watched", partition=night)
    for name in ("drift", "performance", "decide"):
        with pytest.raises(DataError, match=f"Run: ratchet step {name} --loop wind_watched --partition {night}$"):
            step("close", "wind_watched", partition=night)
        assert nights.ended(registry, "wind_watched", night) is None
        step(name, "wind_watched", partition=night)
    assert step("close", "wind_watched", partition=night).outcome == "done"
    fact = nights.ended(registry, "wind_watched", night)
    assert fact is not None
    assert (fact["state"], fact["reason"]) == ("published", "scored, monitored and decided")
    assert step("close", "wind_watched", partition=night).outcome == "unchanged"


def test_a_night_that_had_nothing_to_weigh_ends_undecided(tracked: Path) -> None:
    """Its monitor was skipped, for there is no champion; the task `decide` is skipped with it."""
    ingest("wind", DAYS[0])
    turn(DAYS[0])
    for name in ("drift", "performance"):
        assert step(name, "wind", partition=DAYS[0]).outcome == "skipped"
    assert step("close", "wind", partition=DAYS[0]).outcome == "done"
    assert (opened(), ended(DAYS[0])) == ([], "published")


def test_a_day_that_came_late_has_nothing_to_decide_any_more(watched: Path) -> None:
    end("2013-01-17", "wind_watched")
    for name in ("drift", "performance"):
        step(name, "wind_watched", partition=given.NIGHT)
    assert step("close", "wind_watched", partition=given.NIGHT).outcome == "done"


def test_a_night_that_asked_for_a_training_is_over_when_it_is_judged(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    ingest("wind", DAYS[0])
    turn(DAYS[0])
    ask_for_a_training(DAYS[0], "drift__v1")
    assert step("close", "wind", partition=DAYS[0]).training == "drift__v1"
    assert [night.training for night in nights.waits_for(registry, "wind", DAYS[1])] == ["drift__v1"]
    with writing.held(registry) as writer:
        ledger.write(writer, loop, [entry("rejected", "drift__v1", reason="x")])
    assert nights.waits_for(registry, "wind", DAYS[1]) == []
    assert not nights.may_decide(registry, "wind", DAYS[0])
    # The next night that begins writes it down.
    step("turn", "wind", partitions=DAYS[1], run="next")
    fact = nights.ended(registry, "wind", DAYS[0])
    assert fact is not None
    assert fact["reason"] == "its training drift__v1 was judged"


def test_a_night_s_alarm_is_told_and_a_quiet_night_has_none(watched: Path) -> None:
    """What explains a night follows on an alarm alone."""
    night = "2013-01-17"
    given.turn(night)
    ingest("wind_watched", night, "night")
    for name in ("score", "drift", "performance", "decide"):
        step(name, "wind_watched", partition=night)
    assert step("close", "wind_watched", partition=night).alarm == ""
    path = watched / "var" / "reports" / "wind_watched" / night / "drift.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "drifted": ["temp_now"]}))
    assert step("close", "wind_watched", partition=night).alarm == "drift of temp_now"
