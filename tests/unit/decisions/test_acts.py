"""The acts of a life: each is done once, whatever effect it died before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ratchet.decisions import acts, looks
from ratchet.decisions.duel import Gathered
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import shift
from tests.given.clusters import days
from tests.given.entries import entry
from tests.given.evaluations import training
from tests.simulation.facts import loop_of
from tests.simulation.story import Rules
from tests.simulation.world import Died, World

NIGHT = "2013-02-01"
RULES = Rules("evaluated", (), "superior", 3, 28, 1, None, 1)
CROWNED = [entry("promoted", "first", version="1", day="2013-01-01")]


def _world(*entries: Any, **evidence: list[float]) -> World:
    world = World([])
    world.ledger_, world.keys = list(entries), {each.key for each in entries}
    world.registered, world.alias = {"first": "1"}, "1"
    for run, differences in evidence.items():
        world.trainings[run] = training(run, differences)
        world.held[run] = Gathered(tuple(days(differences)))
    return world


def _look(world: World) -> Any:
    return acts.look(world, loop_of(RULES), "new", [])


def _duel(world: World) -> Any:
    return acts.duel(world, loop_of(RULES), NIGHT, looks.Measured(1.0, tuple(days([-0.5] * 60))), [])


def _promote(world: World) -> Any:
    return acts.promote(world, loop_of(RULES), "new")


WON = entry("won", "new", champion="1")
REPLACED = [*CROWNED, entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10")]


@pytest.mark.parametrize(
    ("act", "entries", "kinds", "alias"),
    [
        (_look, CROWNED, ["won"], "1"),
        (_promote, [*CROWNED, WON], ["promoted"], "2"),
        (_duel, REPLACED, ["rolled_back"], "1"),
    ],
)
def test_an_act_that_died_before_any_effect_is_completed_by_the_next(
    act: Callable[[World], Any], entries: list[Any], kinds: list[str], alias: str
) -> None:
    for effect in range(9):
        world = _world(*entries, new=[-0.5] * 60)
        world.dies = effect
        try:
            act(world)
        except Died:
            act(world)
            act(world)
        assert [each.kind for each in world.ledger_[len(entries) :]] == kinds
        assert world.alias == alias
    assert world.dies is not None
    assert world.dies > 0  # an act of so few effects was let through to its end


def test_a_first_look_is_taken_once() -> None:
    world = _world(*CROWNED, new=[-0.5] * 60)
    first = _look(world)
    world.held["new"] = Gathered(tuple(days([0.5] * 60)))  # whatever has become of it since
    again = _look(world)
    assert (first.verdict, again.verdict, again.taken) == ("promote", "promote", None)
    assert again.entry == first.entry


def test_a_night_that_moves_the_anchor_and_dies_is_done_once() -> None:
    """The champion is certified and becomes the anchor, or neither; a night that is looked at again adds nothing."""
    terms = {"loss": "log_loss", "cluster": "day", "margin": 0.0, "bound": 1.0, "level": 0.05}
    begun = [entry("promoted", "first", version="1", day="2013-01-01", terms=terms)]
    own = Gathered((), "baseline:first", tuple(days([-0.5] * 60)))
    for effect in range(3):
        world = _world(*begun)
        world.dies = effect
        for _ in range(3):
            with suppress(Died):
                acts.duel(world, loop_of(RULES), NIGHT, looks.Measured(1.0, own=own), [])
            assert len(world.ledger_) in (1, 3)
        assert [each.kind for each in world.ledger_] == ["promoted", "certified", "anchored"]


def test_a_first_look_keeps_the_days_against_champion_and_anchor() -> None:
    world, against = _world(*CROWNED), [[each.key, each.rows, each.total, 0] for each in days([0.1] * 3)]
    world.trainings["new"] = training("new", [0.0] * 3, anchor="baseline:old", anchored=against)
    _look(world)
    assert world.evidence("new") == Gathered(tuple(days([0.0] * 3)), "baseline:old", tuple(days([0.1] * 3)))


def test_a_night_that_let_somebody_win_looks_no_more() -> None:
    won = entry("won", "new", champion="1", night=NIGHT)
    found = _duel(_world(*CROWNED, won))
    assert (found.winner, found.entries) == (won, (won,))


def test_a_night_asks_once() -> None:
    world, loop = _world(*CROWNED), loop_of(RULES)
    facts = NightFacts(partition=NIGHT, champion="1", requested={})
    asking = {"always": lambda _: "always"}
    first = acts.decide(world, loop, facts, asking)
    again = acts.decide(world, loop, NightFacts(partition=NIGHT, champion="1", paused="since"), asking)
    assert first == again
    assert [each.kind for each in world.ledger_] == ["promoted", "requested"]


def test_bad_data_veto_once() -> None:
    world, loop = _world(*CROWNED), loop_of(RULES)
    facts = NightFacts(partition=NIGHT, champion="1", bad_data={shift(NIGHT, -1): "refused"})
    found = [acts.decide(world, loop, facts, {"always": lambda _: "always"}) for _ in range(2)]
    assert [each.verdict for each in found] == ["veto", "veto"]
    assert [each.kind for each in world.ledger_[1:]] == ["vetoed"]


def test_an_answer_that_comes_twice_or_too_late_changes_nothing() -> None:
    yes, no = ({"answer": answer, "by": "ada"} for answer in ("Approve", "Reject"))
    loop = loop_of(Rules("evaluated", ("ada",), "superior", 3, 28, 1, None, 1))
    world = _world(*CROWNED, WON, new=[])
    assert [acts.promote(world, loop, "new", answer).kind for answer in (yes, yes, no)] == ["promoted"] * 3
    world = _world(*CROWNED, WON, new=[])
    assert acts.promote(world, loop, "new", no).kind == "rejected"
    assert acts.promote(world, loop, "new", yes) is None
    assert [each.kind for each in world.ledger_[2:]] == ["rejected"]


def test_a_refusal_ends_a_win() -> None:
    world = _world(*CROWNED, WON, new=[])
    acts.refuse(world, WON, "rejected: the refit diverged", mlflow_run="refit")
    assert acts.promote(world, loop_of(RULES), "new") is None
    assert world.ledger_[-1].mlflow_run == "refit"
