"""A replay: everything once, in as many processes as cores, and again from the cache."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from ratchet.contract.rules import Bound
from ratchet.contract.value import Value
from ratchet.errors import RequestError
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from tests.given.replays import CASES, FIRST, LAST, quiet


def test_policies_side_by_side_and_again_from_the_cache(
    past: History, replayed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    seen: list[tuple[str, int, int]] = []
    never, daily, fourth = replays.run(past, CASES, FIRST, LAST, replayed / "cache", lambda *each: seen.append(each))
    assert (never.retrainings, never.promotions) == (0, 0)
    assert daily.retrainings == len(daily.nights) == 11
    assert fourth.retrainings == 2
    assert {night["version"] for night in never.nights} == {"2"}
    assert daily.minutes > fourth.minutes > never.minutes > 0
    assert all(np.isfinite(outcome.loss) for outcome in (never, daily, fourth))
    assert seen[-1] == ("nights", 33, 33)
    assert (seen[0][:2], ("nights", 0, 33) in seen) == (("models", 0), True), "what is left is told from these on"
    made_at = {file: file.stat().st_mtime_ns for file in (replayed / "cache").rglob("*")}
    assert replays.run(past, CASES, FIRST, LAST, replayed / "cache", quiet) == [never, daily, fourth]
    assert {file: file.stat().st_mtime_ns for file in (replayed / "cache").rglob("*")} == made_at


def test_an_interrupted_replay_goes_on_where_it_stopped(past: History, tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "models" and done == 3:
            raise KeyboardInterrupt

    cases = [Case("calendar:days=3,cooldown_days=0")]
    with pytest.raises(KeyboardInterrupt):
        replays.run(past, cases, FIRST, LAST, tmp_path, stop)
    kept = {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "fits").glob("*/about.json")}
    assert len(kept) >= 3
    (outcome,) = replays.run(past, cases, FIRST, LAST, tmp_path, quiet)
    assert outcome.retrainings == 3
    after = {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "fits").glob("*/about.json")}
    assert {name: after[name] for name in kept} == kept


def test_where_no_champion_ever_was_nothing_was_promoted(past: History, tmp_path: Path) -> None:
    """There were said to be -1 promotions."""
    gate = past.loop.gate.model_copy(update={"floors": {"r2": Bound(min=2.0)}})
    never = dataclasses.replace(past, loop=past.loop.model_copy(update={"gate": gate}))
    (outcome,) = replays.run(never, [Case("calendar:days=9,cooldown_days=0")], FIRST, LAST, tmp_path, quiet)
    assert outcome.promotions == 0
    assert {night["version"] for night in outcome.nights} <= {"", None}


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("2014-01-01", "2014-01-05", "nothing to replay"), ("2013-01-09", "2013-01-03", "ends before")],
)
def test_a_replay_of_nothing_is_explained(past: History, tmp_path: Path, first: str, last: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        replays.run(past, [Case()], first, last, tmp_path, quiet)


def test_nights_are_told_in_the_contracts_own_unit(past: History, replayed: Path) -> None:
    told = Value(unit="squares", sql="(prediction - label) ** 2")  # the loss, in other words
    gate = past.loop.gate.model_copy(update={"value": told})
    loop = past.loop.model_copy(update={"gate": gate})
    versions = [(first, dataclasses.replace(data, loop=loop)) for first, data in past.versions]
    ours = dataclasses.replace(past, loop=loop, versions=versions, _known={})
    nights = [night for night in past.nights if FIRST <= night <= LAST]
    fits = Fits(past.loop, replayed / "cache")
    valued, bare = (replays.live(each, fits, Case("calendar:days=4"), nights) for each in (ours, past))
    promoted = [night for night in valued.nights if night["worth"]]
    assert len(promoted) == valued.promotions > 0
    assert all("squares a week (95 %: " in night["worth"] for night in promoted)
    assert {night["worth"] for night in bare.nights} == {""}
    assert valued.costs == pytest.approx(valued.losses)
    assert np.array_equal(valued.losses, bare.losses)
    assert np.isnan(bare.costs).all()
    assert valued.week == pytest.approx(valued.loss * valued.rows.sum() / len(nights) * 7)


def test_what_is_left_can_be_told_from_what_is_done() -> None:
    fits = [(f"2013-01-0{number}", "", "") for number in range(1, 6)]
    assert [night[-1] for night, _, _ in replays._in_turns(fits)] == ["5", "1", "4", "2", "3"]
