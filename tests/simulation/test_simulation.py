"""A thousand years of the machine under random histories and faults; and what it finds where the machine is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ratchet.decisions import acts, anchors, lifecycle, looks, requests
from ratchet.decisions.entries import Anchored, Certified, Entry, Promoted, Rejected, Requested, RolledBack, Won
from tests.simulation import facts, search
from tests.simulation.life import live
from tests.simulation.story import draw
from tests.simulation.world import World

YEARS = 1000


@pytest.mark.timeout(1200)  # eight minutes of two quiet cores, and of a test beside it
def test_a_thousand_years_break_no_invariant() -> None:
    found = search.years(YEARS)
    assert found.seed is None, found.told
    assert found.nights >= YEARS * search.YEAR
    assert {"won", "promoted", "rejected", "left", "released", "rolled_back", "vetoed"} <= {*found.entries}
    assert {"waiting", "certified", "anchored"} <= {*found.entries}


def test_before_a_first_champion_challengers_wait_and_some_win_by_a_night() -> None:
    ledgers = [live(draw(seed, search.length(seed))).ledger_ for seed in range(1, 12)]
    first = [next((each for each in ledger if isinstance(each, Won)), None) for ledger in ledgers]
    assert any(won and won.champion is None and won.night for won in first)
    assert all(won.against and won.against.name == f"baseline:{won.evaluated}" for won in first if won)
    asked = [each for ledger in ledgers for each in ledger if isinstance(each, Requested) and not each.champion]
    assert asked  # a person, or a calendar, asks for more while the first still waits


def test_the_anchor_moves_and_is_turned_back_to() -> None:
    moved, turned, told = Counter[str](), 0, 0
    for seed in range(1, 40):
        ledger = live(draw(seed, search.length(seed))).ledger_
        for number, each in enumerate(ledger):
            if isinstance(each, Anchored):
                moved[each.how] += 1
            if isinstance(each, RolledBack) and each.automatic:
                anchor = anchors.anchor(ledger[:number])
                turned += anchor is not None and anchor.name == each.version and "the anchor" in each.reason
            told += isinstance(each, Certified) and each.difference is not None
    assert moved["better"] > moved["not worse"] > 0
    assert turned > 0
    assert told > sum(moved.values())


def _promote_again(patch: pytest.MonkeyPatch) -> None:
    """A second promotion: nobody looks for what is done, and its key is another each time."""

    def promote(world: World, loop: Any, run: str, approval: Any = None) -> None:
        win = next((each for each in world.entries() if isinstance(each, Won) and each.evaluated == run), None)
        if win is None or lifecycle.forbidden(world.entries(), win, approval, 24):
            return
        deployed = world.register(win)
        entry = lifecycle.promoted(win, deployed.version, approval=approval, **deployed.about)
        world.write([entry.model_copy(update={"key": f"{entry.key}:{len(world.ledger_)}"})], entry)
        world.crown(deployed.version)

    def forbidden(entries: Sequence[Entry], won: Won, approval: Any, hours: float) -> Rejected | None:
        return real([], won.model_copy(update={"champion": None}), approval, hours)

    real = lifecycle.forbidden
    patch.setattr(acts, "promote", promote)
    patch.setattr(lifecycle, "forbidden", forbidden)


def _forget_refusals(patch: pytest.MonkeyPatch) -> None:
    """A forgotten refusal: who was rejected may still be promoted."""
    real = lifecycle.pending

    def pending(entries: Sequence[Entry]) -> list[Won]:
        return real([each for each in entries if not isinstance(each, Rejected)])

    patch.setattr(lifecycle, "pending", pending)


def _know_early(patch: pytest.MonkeyPatch) -> None:
    """A fact known a day early: the labels of the night itself."""
    real = facts.shift

    def shift(day: str, days: int) -> str:
        return real(day, 0 if days == -1 else days)

    patch.setattr(facts, "shift", shift)


def _lose_entries(patch: pytest.MonkeyPatch) -> None:
    """A lost entry: of entries that are written together only the first arrives."""
    real = World.write

    def write(world: World, entries: Any, decided: Any) -> None:
        return real(world, entries if isinstance(entries, str) else [*entries][:1], decided)

    patch.setattr(World, "write", write)


def _forget_a_request(patch: pytest.MonkeyPatch) -> None:
    """A lost entry: the facts of a night do not hold the latest request."""
    real = requests.facts

    def fewer(entries: Sequence[Entry], *about: Any) -> dict[str, Any]:
        found = real(entries, *about)
        return {**found, "requested": dict([*found["requested"].items()][:-1])}

    patch.setattr(requests, "facts", fewer)


def _leave_it_half_done(patch: pytest.MonkeyPatch) -> None:
    """A promotion that died before the alias moved, and is not completed by the next call."""
    real = acts.promote

    def promote(world: World, loop: Any, run: str, approval: Any = None) -> Any:
        done = any(isinstance(each, Promoted) and each.evaluated == run for each in world.entries())
        return None if done else real(world, loop, run, approval)

    patch.setattr(acts, "promote", promote)


def _forget_the_anchor(patch: pytest.MonkeyPatch) -> None:
    """A promotion that was held against the champion alone, or against nobody."""
    patch.setattr(looks, "_anchor", lambda entries, measured: None)


def _anchor_by_itself(patch: pytest.MonkeyPatch) -> None:
    """An anchor that is read as whoever is champion."""
    real = anchors.anchor

    def anchor(entries: Sequence[Entry]) -> Any:
        now, version = real(entries), lifecycle.champion(entries)
        return now and version and replace(now, name=version, best=version)

    patch.setattr(anchors, "anchor", anchor)


def _certify_nothing(patch: pytest.MonkeyPatch) -> None:
    """A night whose certificate is lost where the anchor moves."""
    real = looks.night

    def night(*about: Any) -> looks.Night:
        found = real(*about)
        kept = tuple(each for each in found.entries if not isinstance(each, Certified))
        return replace(found, entries=kept) if any(isinstance(each, Anchored) for each in kept) else found

    patch.setattr(looks, "night", night)


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (_promote_again, "a version is promoted once"),
        (_forget_refusals, "a refusal is final for that run"),
        (_know_early, "nothing is decided on days not yet known"),
        (_lose_entries, "every night that was begun ends"),
        (_forget_a_request, "a budget is never overspent"),
        (_leave_it_half_done, "the alias names the ledger's champion"),
        (_forget_the_anchor, "who wins has held against the champion and the anchor"),
        (_anchor_by_itself, "the anchor moves by its own entries alone"),
        (_certify_nothing, "a night with a champion certifies it once"),
    ],
)
def test_a_planted_fault_is_found_and_shrunk(
    plant: Callable[[pytest.MonkeyPatch], None], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found = search.search(range(1, 400))
    assert found.seed is not None
    assert found.story is not None
    print(found.told)
    assert found.rule.startswith(rule)
    assert found.story.nights < search.length(found.seed)
    assert len(found.story.events) < 12


def test_a_seed_is_the_same_life_each_time() -> None:
    one, two = (search.search(range(1, 4)).entries for _ in range(2))
    assert one == two
