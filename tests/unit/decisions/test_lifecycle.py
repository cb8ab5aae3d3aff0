"""The machine of a loop's models: what a first look, and a night of duels, come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import lifecycle, retrain
from ratchet.decisions.entries import Entry, Left, Rejected, Released, RolledBack, Waiting, Won
from tests.given.clusters import days
from tests.given.entries import entry
from tests.given.evaluations import training

NIGHT = "2013-01-20"
WORSE, BETTER = [0.5] * 60, [-0.5] * 60
CROWNED = [entry("promoted", "first", version="1", day="2013-01-01")]


def _loop(**gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    plain = {"floors": {}, "slices": None, "fairness": None, "aim": "superior", "margin": 0.0, "bound": 1.0}
    return loop.model_copy(update={"gate": loop.gate.model_copy(update={**plain, "deploy": "evaluated", **gate})})


def _look(loop: Loop, entries: list[Entry], differences: list[float] | None, run: str = "new") -> lifecycle.FirstLook:
    return lifecycle.first_look(loop, entries, training(run, differences), lambda _: [], [])


def _night(entries: list[Entry], evidence: dict[str, list[float]], shadowed: list[float], **gate: Any) -> Any:
    trainings = {run: training(run, []) for run in evidence}
    return lifecycle.night(
        _loop(**gate),
        entries,
        NIGHT,
        "2",
        1.0,
        days(shadowed),
        lambda each: trainings[each.mlflow_run],
        lambda run: days(evidence[run]),
        [],
    )


def _waits(run: str, since: str = "2013-01-10", champion: str = "2") -> Any:
    return entry("waiting", run, line=run, since=since, champion=champion)


REPLACED = [*CROWNED, entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10")]


def test_the_first_champion_needs_no_duel() -> None:
    found = _look(_loop(), [], None)
    (won,) = found.entries
    assert (found.decision.verdict, won.kind, won.champion, found.days) == ("promote", "won", None, ())


def test_where_a_person_has_to_approve_the_question_is_written_down() -> None:
    won, asked = _look(_loop(approval=("ada",)), [], None).entries
    assert (won.kind, asked.kind, asked.run) == ("won", "approval_asked", "new")


@pytest.mark.parametrize(("differences", "verdict"), [(WORSE, "reject"), (BETTER, "promote"), ([0.0] * 5, "wait")])
def test_a_first_look_rejects_promotes_or_waits(differences: list[float], verdict: str) -> None:
    found = _look(_loop(), CROWNED, differences)
    assert found.decision.verdict == verdict
    kinds = {"reject": ["rejected"], "promote": ["won"], "wait": ["waiting"]}
    assert [each.kind for each in found.entries] == kinds[verdict]
    assert list(found.days) == days(differences)


def test_a_second_look_gives_the_same_whatever_was_decided_since() -> None:
    first = _look(_loop(deploy="refit"), CROWNED, [0.0] * 5)
    since = [*CROWNED, *first.entries, entry("rejected", "other", beaten=True, recipe="recipe", champion="1", line="x")]
    assert _look(_loop(deploy="refit"), since, [0.0] * 5) == first


def test_a_newcomer_of_the_same_recipe_carries_the_evidence_on_and_takes_the_place() -> None:
    loop = _loop(deploy="refit")
    earlier = _look(loop, CROWNED, [0.0] * 5, run="earlier")
    entries = [*CROWNED, *earlier.entries]
    found = lifecycle.first_look(loop, entries, training("later", [-0.01] * 7), lambda _: earlier.days, [])
    assert list(found.days) == [*earlier.days, *days([-0.01] * 7)[5:]]
    assert [type(each) for each in found.entries] == [Waiting, Left]
    assert "carries its recipe's evidence on" in found.entries[1].reason


def test_the_first_to_win_is_promoted_the_beaten_leave_and_the_others_go_on() -> None:
    entries = [*CROWNED, *(_waits(run) for run in ("a", "b", "c", "d"))]
    evidence = {"a": [0.0], "b": BETTER, "c": WORSE, "d": BETTER}
    found = _night(entries, evidence, [], shadows=9)
    assert found.winner is not None
    assert found.winner.run == "b"
    assert [(type(each), each.run, each.night) for each in found.entries] == [(Won, "b", NIGHT), (Rejected, "c", NIGHT)]
    assert [(each.run, look.verdict) for each, look in found.looks] == [
        ("a", "wait"),
        ("b", "promote"),
        ("c", "reject"),
        ("d", "promote"),
    ]


def test_who_has_won_is_offered_again_until_its_promotion_has_come_to_an_end() -> None:
    entries = [*CROWNED, _waits("a"), entry("won", "a", champion="2", night="2013-01-19"), _waits("b")]
    again = _night(entries, {"b": BETTER}, [], shadows=9)
    assert again.winner is not None
    assert (again.winner.run, [each.run for each, _ in again.looks]) == ("a", ["b"])
    assert _night([*entries, entry("rejected", "a")], {"b": BETTER}, [], shadows=9).winner.run == "b"
    first = entry("won", "c", champion="2")  # at its first look: that is for its own training to carry on
    assert _night([*CROWNED, first], {}, [], shadows=9).winner is None
    replaced = entry("won", "d", champion="1", night="2013-01-19")
    assert [(each.kind, each.run) for each in _night([*CROWNED, replaced], {}, []).entries] == [("left", "d")]
    asked = _night(entries, {"b": [0.0]}, [], shadows=9, approval=("ada",))
    assert asked.winner is None  # the question has been put


def test_who_is_out_of_time_or_was_measured_against_another_leaves() -> None:
    entries = [*CROWNED, _waits("old", since="2012-12-01"), _waits("stranger", champion="1")]
    found = _night(entries, {"old": [0.0]}, [])
    assert [(type(each), each.run) for each in found.entries] == [(Left, "old"), (Left, "stranger")]
    assert "out of time" in found.entries[0].reason
    assert "v1, was replaced" in found.entries[1].reason


def test_a_predecessor_that_does_better_is_champion_again_and_nothing_else_is_decided() -> None:
    found = _night([*REPLACED, _waits("a")], {"a": BETTER}, BETTER)
    (turned,) = found.entries
    assert isinstance(turned, RolledBack)
    assert (turned.version, turned.left, turned.automatic, turned.partition) == ("1", "2", True, NIGHT)
    assert (found.winner, found.looks) == (None, ())


@pytest.mark.parametrize(("shadowed", "patience"), [(WORSE, 28), ([0.0], 5)])
def test_a_predecessor_that_is_beaten_or_out_of_time_is_released_once(shadowed: list[float], patience: int) -> None:
    (released,) = _night(REPLACED, {}, shadowed, patience_days=patience).entries
    assert isinstance(released, Released)
    assert (released.version, released.champion) == ("1", "2")
    assert _night([*REPLACED, released], {}, shadowed, patience_days=patience).entries == ()


@given(st.lists(st.lists(st.floats(-1, 1), max_size=30), max_size=5), st.lists(st.floats(-1, 1), max_size=30))
def test_a_night_asked_again_decides_nothing_anew(differences: list[list[float]], shadowed: list[float]) -> None:
    evidence = {f"run{i}": each for i, each in enumerate(differences)}
    entries = [*REPLACED, *(_waits(run) for run in evidence)]
    once = _night(entries, evidence, shadowed, shadows=9)
    again = _night([*entries, *once.entries], evidence, shadowed, shadows=9)
    assert {each.key for each in again.entries} & {each.key for each in once.entries} == set()
    assert not [each for each in again.entries if not isinstance(each, RolledBack)]


@pytest.mark.parametrize(("verdict", "kind"), [("retrain", "requested"), ("veto", "vetoed")])
def test_what_a_night_asks_for_is_written_down(verdict: Any, kind: str) -> None:
    admission = retrain.Admission(verdict, "drift", "drift__v1__2013-01-20")
    (found,) = lifecycle.admitted(admission, NIGHT, "1")
    assert (found.kind, found.key, found.reason) == (kind, f"{kind}:{NIGHT}", "drift")
    assert lifecycle.admitted(retrain.Admission("wait", "nothing asks"), NIGHT, "1") == ()


WON = entry("won", "new", champion="1", line="recipe.0", recipe="recipe", night=NIGHT, first=None)


def test_a_refusal_is_of_the_run_that_was_judged() -> None:
    found = lifecycle.refused(WON, "rejected by ada", approval={"answer": "Reject"})
    assert (found.key, found.evaluated, found.line, found.champion) == ("rejected:new", "new", "recipe.0", "1")


@pytest.mark.parametrize(
    ("champion", "approval", "words"),
    [
        ("1", None, ""),
        ("1", {"answer": "Approve", "by": "ada"}, ""),
        ("1", {"answer": "Reject", "by": "ada"}, "rejected by ada"),
        ("1", {"answer": "Reject", "by": None}, "nobody answered within 24 hours"),
        ("2", None, "v2 has become champion since"),
    ],
)
def test_what_came_in_between_forbids_a_promotion(champion: str, approval: dict[str, Any] | None, words: str) -> None:
    entries = [*CROWNED, entry("promoted", "other", version="2", champion="1")] if champion == "2" else CROWNED
    found = lifecycle.forbidden(entries, WON, approval, 24)
    assert (found is None) == (not words)
    assert words in (found.reason if found else "")


def test_a_promotion_carries_the_decision_on_and_teaches_nothing_twice() -> None:
    won = WON.model_copy(update={"first": {"day": NIGHT}, "minutes": 3.0, "reason": "promoted: it won"})
    made = lifecycle.promoted(won, "2", mlflow_run="refit", minutes=1.0)
    assert (made.key, made.version, made.replaces, made.mlflow_run) == ("promoted:new", "2", "1", "refit")
    assert (made.reason, made.line, made.night, made.first, made.minutes) == (won.reason, won.line, NIGHT, None, 1.0)


def test_the_state_of_a_run_is_read_from_the_ledger() -> None:
    assert lifecycle.champion([]) is None
    assert lifecycle.champion([*REPLACED, entry("rolled_back", version="1", left="2")]) == "1"
    assert lifecycle.won([WON], "new") == WON
    for end in (entry("rejected", "new"), entry("promoted", "new", version="2"), entry("left", "new")):
        assert lifecycle.won([WON, end], "new") is None
    assert lifecycle.judged([_waits("new"), WON], "new").kind == "waiting"
    told = [lifecycle.verdict(entry(kind, "new")) for kind in ("won", "promoted", "waiting", "rejected")]
    assert told == ["promote", "promote", "wait", "reject"]


def test_the_run_that_a_version_was_judged_by_is_in_the_ledger() -> None:
    entries = [entry("promoted", "first", version="2", evaluated="judged")]
    assert lifecycle.evaluated(entries, "2") == "judged"
    assert lifecycle.evaluated(entries, "1") is None
