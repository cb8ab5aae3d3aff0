"""Steps killed at every write of the registry, and at drawn ones of all others, and run again.

After each: what was accepted and what is in quarantine are what was fetched; a commit holds its own delivery's files
and no others; the chain is whole; the alias is at the last promotion; a row has one prediction.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ratchet.decisions.nights import asked
from ratchet.lifecycle import dataset, nights
from ratchet.settings import Settings
from tests.conftest import ingest, rename, step
from tests.given import deliveries, whole
from tests.given.killing import Ended, Killer

pytestmark = pytest.mark.xdist_group("kills")
DAY = deliveries.DAY


@contextmanager
def _state() -> Iterator[None]:
    """Let the state be afterwards what it was before."""
    var = Settings.current().var
    kept = var.with_name("kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(var, kept, symlinks=True)
    yield
    shutil.rmtree(var)
    kept.rename(var)


def _again(killer: Killer, name: str, loop: str, **request: str) -> Ended:
    """Run a step to its end."""
    ended = killer.step(name, loop, **request)
    assert ended.code == 0, ended.said
    return ended


def _delivered(place: Path, broken: int = 3) -> None:
    """Let the source hold a day of 60 rows, of which some are impossible."""
    rows = deliveries.rows_of_day()
    deliveries.deliver(place, [{**row, "wind_speed": 1048.0} if n < broken else row for n, row in enumerate(rows)])


def test_a_first_delivery_killed_before_each_write(place: Path, killer: Killer) -> None:
    _delivered(place)
    about = {"partitions": DAY}
    for name in ("turn", "fetch", "validate", "publish"):
        given = {**about, "run": "night"} if name == "turn" else about
        with _state():
            events = _again(killer, name, "wind", **given).events
        # Of publish every write, and of the steps that only make files every third.
        for at in range(1, events + 1, 1 if name == "publish" else 3):
            with _state():
                assert killer.step(name, "wind", at=at, **given).killed
                _again(killer, name, "wind", **given)
                if name == "publish":
                    whole.check("wind")
                    assert deliveries.published().num_rows == 57
                    assert len(deliveries.quarantined()) == 3
        _again(killer, name, "wind", **given)


def test_a_correction_killed_before_each_write_leaves_nothing_of_the_delivery_before(
    place: Path, killer: Killer
) -> None:
    """The quarantine of the first delivery is gone, and no file of another day is touched."""
    _delivered(place)
    ingest("wind", DAY)
    _delivered(place, broken=0)
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=DAY)
    with _state():
        events = _again(killer, "publish", "wind", partitions=DAY).events
    for at in range(1, events + 1):
        with _state():
            killer.step("publish", "wind", at=at, partitions=DAY)
            _again(killer, "publish", "wind", partitions=DAY)
            whole.check("wind")
            assert deliveries.published().num_rows == 60
            assert deliveries.quarantined() == []


def test_a_leader_that_is_killed_while_its_child_goes_on(place: Path, killer: Killer) -> None:
    """The push that goes on holds the lock: who comes next waits for it, and finds what it has brought."""
    _delivered(place)
    ingest("wind", "2013-01-04")
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=DAY)
    with _state():
        children = killer.step("publish", "wind", how="child", partitions=DAY).events
    assert children
    for at in range(1, children + 1):
        with _state():
            assert killer.step("publish", "wind", how="child", at=at, partitions=DAY).killed
            _again(killer, "publish", "wind", partitions=DAY)
            whole.check("wind")


def test_reads_that_fail_are_errors_and_no_absence(place: Path, killer: Killer) -> None:
    """A look at the registry that fails stops the step; the ledger is as long as it was."""
    _delivered(place)
    ingest("wind", DAY)
    registry = dataset.registry()
    with _state():
        reads = killer.run("pause", "wind", "--reason", "a test", how="read").events
    for at in range(1, reads + 1):
        head = registry.head()
        ended = killer.run("pause", "wind", "--reason", "a test", how="read", at=at)
        assert ended.code in (2, 75), ended.said
        assert "cannot be" in ended.said
        assert registry.head() == head


@pytest.mark.parametrize("lock", ["HEAD.lock", "refs/heads/main.lock", "packed-refs.lock", "index.lock", "config.lock"])
def test_a_lock_that_a_dead_writer_left_is_no_obstacle(place: Path, killer: Killer, lock: str) -> None:
    _delivered(place)
    ingest("wind", "2013-01-04")
    for folder in (Settings.current().registry / ".git", Path(Settings.current().git_remote)):
        (folder / lock).touch()
    _again(killer, "fetch", "wind", partitions=DAY)
    _again(killer, "validate", "wind", partitions=DAY)
    _again(killer, "publish", "wind", partitions=DAY)
    whole.check("wind")


def test_nights_and_trainings_killed_in_every_step(tracked: Path, killer: Killer) -> None:
    """Each step of three nights and three trainings is killed at a drawn write, and run again."""
    name, rng = rename(tracked, "wind", "wind_killed"), random.Random(7)
    counts: dict[str, int] = {}
    before = killer.kills

    def live(step_name: str, **request: str) -> str:
        """Kill a step once at a write that it is known to have, and run it to its end."""
        for _ in range(2 if counts.get(step_name) else 0):
            killer.step(step_name, name, at=rng.randint(1, counts[step_name]), **request)
        ended = _again(killer, step_name, name, **request)
        counts.setdefault(step_name, max(1, ended.events))
        return ended.said

    ingest(name, "2013-01-02..2013-01-12")
    for number, night in enumerate(whole.days("2013-01-13", 4)):
        live("turn", partitions=night, run=night)
        for each in ("fetch", "validate", "publish"):
            live(each, partitions=night)
        if number:
            for each in ("score", "drift", "performance", "decide", "duel"):
                live(each, partition=night)
        key = asked(night, dataset.registry().ledger(name)) or f"training-{number}"
        live("snapshot", run=key)
        for each in ("train", "evaluate", "gate", "refit", "promote"):
            live(each, run=key)
        live("close", partition=night)
        step("turn", name, partitions=whole.days(night, 2)[1], run="next")  # ends a night that waited for its training
        whole.check(name)
        whole.check_champion(name)
        assert nights.ended(dataset.registry(), name, night) is not None
    assert killer.kills - before >= 50


def test_publishes_killed_at_drawn_moments(place: Path, killer: Killer) -> None:
    days, rng = "2013-01-02..2013-01-05", random.Random(11)
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=days)
    for _ in range(12):
        with _state():
            killer.step("publish", "wind", how="time", at=rng.uniform(0.0, 0.25), partitions=days)
            _again(killer, "publish", "wind", partitions=days)
            whole.check("wind")
