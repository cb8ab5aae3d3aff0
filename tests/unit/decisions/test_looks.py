"""What a first look, and a night of duels, come to: against the champion, and against the anchor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, duel, lifecycle, looks, shadows
from ratchet.decisions.duel import Gathered
from ratchet.decisions.entries import (
    Anchored,
    Certified,
    Entry,
    Left,
    Rejected,
    Released,
    RolledBack,
    Terms,
    Waiting,
    Won,
)
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


def _look(
    loop: Loop, entries: list[Entry], differences: list[float] | None, run: str = "new", **changes: Any
) -> looks.FirstLook:
    return looks.first_look(loop, entries, training(run, differences, **changes), lambda _: duel.NOTHING, [])


def _night(entries: list[Entry], evidence: dict[str, list[float]], shadowed: list[float], **gate: Any) -> Any:
    gathered = {run: Gathered(tuple(days(each))) for run, each in evidence.items()}
    return _lived(_loop(**gate), entries, "2", gathered, looks.Measured(1.0, tuple(days(shadowed))))


def _lived(
    loop: Loop,
    entries: Sequence[Entry],
    version: str | None,
    gathered: dict[str, Gathered],
    measured: looks.Measured,
    **changes: Any,
) -> looks.Night:
    about = {"champion": version, **changes}
    trainings = {run: training(run, None if version is None else [], **about) for run in gathered}
    return looks.night(
        loop,
        entries,
        NIGHT,
        version,
        measured,
        lambda each: trainings[each.mlflow_run],
        lambda run: gathered[run],
        [],
    )


def _decided(found: looks.Night) -> tuple[Entry, ...]:
    """Return what a night has decided; that it certifies its champion is told apart."""
    return tuple(each for each in found.entries if not isinstance(each, Certified))


def _waits(run: str, since: str = "2013-01-10", champion: str = "2") -> Any:
    return entry("waiting", run, line=run, since=since, champion=champion)


REPLACED = [*CROWNED, entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10")]


def test_the_first_champion_needs_no_duel() -> None:
    found = _look(_loop(), [], None)
    (won,) = found.entries
    assert (found.decision.verdict, won.kind, won.champion, found.evidence) == ("promote", "won", None, duel.NOTHING)


def test_where_a_person_has_to_approve_the_question_is_written_down() -> None:
    won, asked = _look(_loop(approval=("ada",)), [], None).entries
    assert (won.kind, asked.kind, asked.run) == ("won", "approval_asked", "new")


@pytest.mark.parametrize(("differences", "verdict"), [(WORSE, "reject"), (BETTER, "promote"), ([0.0] * 5, "wait")])
def test_a_first_look_rejects_promotes_or_waits(differences: list[float], verdict: str) -> None:
    found = _look(_loop(), CROWNED, differences)
    assert found.decision.verdict == verdict
    kinds = {"reject": ["rejected"], "promote": ["won"], "wait": ["waiting"]}
    assert [each.kind for each in found.entries] == kinds[verdict]
    assert found.evidence == Gathered(tuple(days(differences)))


def test_a_second_look_gives_the_same_whatever_was_decided_since() -> None:
    first = _look(_loop(deploy="refit"), CROWNED, [0.0] * 5)
    since = [*CROWNED, *first.entries, entry("rejected", "other", beaten=True, recipe="recipe", champion="1", line="x")]
    assert _look(_loop(deploy="refit"), since, [0.0] * 5) == first


def test_a_newcomer_is_judged_by_its_own_days_and_owes_what_its_line_has_lost() -> None:
    loop = _loop(deploy="refit")
    earlier = _look(loop, CROWNED, [0.1] * 5, run="earlier")
    entries = [*CROWNED, *earlier.entries]
    later = training("later", [-0.01] * 4, days={f"2013-01-0{day}": {"rows": 10, "challenger": 1.0} for day in (4, 5)})
    found = looks.first_look(loop, entries, later, lambda _: earlier.evidence, [])
    (waiting,) = found.entries
    assert (list(found.evidence.days), found.line) == (days([-0.01] * 4), earlier.line)
    assert waiting.debt < 0 == earlier.entries[0].debt
    assert waiting.terms == earlier.entries[0].terms
    assert found.decision.evidence.rival < duel.judge(found.evidence.days, margin=0.0, bound=1.0, level=0.05).rival


def test_who_has_waited_longest_stays_where_no_more_may_wait() -> None:
    loop = _loop(shadows=1)
    entries = [*CROWNED, *_look(loop, CROWNED, [0.0] * 5, run="earlier").entries]
    found = looks.first_look(loop, entries, training("later", [0.0] * 5), lambda _: duel.NOTHING, [])
    assert [(type(each), each.run) for each in found.entries] == [(Waiting, "later"), (Left, "later")]
    assert "who came before it have more evidence" in found.entries[1].reason


def test_who_was_measured_in_another_unit_leaves() -> None:
    earlier = _look(_loop(), REPLACED, [0.0] * 5, run="a").entries[0].model_copy(update={"champion": "2"})
    (left,) = _decided(_night([*REPLACED, earlier], {"a": [0.0] * 9}, [], cluster="week"))
    assert (type(left), left.run) == (Left, "a")
    assert "in another unit (loss, value, cluster, margin, bound)" in left.reason


def test_the_first_to_win_is_promoted_the_beaten_leave_and_the_others_go_on() -> None:
    entries = [*CROWNED, *(_waits(run) for run in ("a", "b", "c", "d"))]
    evidence = {"a": [0.0], "b": BETTER, "c": WORSE, "d": BETTER}
    found = _night(entries, evidence, [], shadows=9)
    assert found.winner is not None
    assert found.winner.run == "b"
    assert [(type(each), each.run, each.night) for each in _decided(found)] == [
        (Won, "b", NIGHT),
        (Rejected, "c", NIGHT),
    ]
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
    assert [(each.kind, each.run) for each in _decided(_night([*CROWNED, replaced], {}, []))] == [("left", "d")]
    asked = _night(entries, {"b": [0.0]}, [], shadows=9, approval=("ada",))
    assert asked.winner is None  # the question has been put


def test_who_is_out_of_time_or_was_measured_against_another_leaves() -> None:
    entries = [*CROWNED, _waits("old", since="2012-12-01"), _waits("stranger", champion="1")]
    found = _night(entries, {"old": [0.0]}, [])
    assert [(type(each), each.run) for each in _decided(found)] == [(Left, "old"), (Left, "stranger")]
    assert ["out of time" in each.reason for each in _decided(found)] == [True, False]
    assert "v1, was replaced" in _decided(found)[1].reason


def test_a_predecessor_that_does_better_is_champion_again_and_nothing_else_is_decided() -> None:
    found = _night([*REPLACED, _waits("a")], {"a": BETTER}, BETTER)
    (turned,) = found.entries
    assert isinstance(turned, RolledBack)
    assert (turned.version, turned.left, turned.automatic, turned.partition) == ("1", "2", True, NIGHT)
    assert (found.winner, found.looks) == (None, ())


@pytest.mark.parametrize(("shadowed", "patience"), [(WORSE, 28), ([0.0], 5)])
def test_a_predecessor_that_is_beaten_or_out_of_time_is_released_once(shadowed: list[float], patience: int) -> None:
    (released,) = _decided(_night(REPLACED, {}, shadowed, patience_days=patience))
    assert isinstance(released, Released)
    assert (released.version, released.champion) == ("1", "2")
    assert _decided(_night([*REPLACED, released], {}, shadowed, patience_days=patience)) == ()


@given(st.lists(st.lists(st.floats(-1, 1), max_size=30), max_size=5), st.lists(st.floats(-1, 1), max_size=30))
def test_a_night_asked_again_decides_nothing_anew(differences: list[list[float]], shadowed: list[float]) -> None:
    evidence = {f"run{i}": each for i, each in enumerate(differences)}
    entries = [*REPLACED, *(_waits(run) for run in evidence)]
    once = _night(entries, evidence, shadowed, shadows=9)
    again = _night([*entries, *once.entries], evidence, shadowed, shadows=9)
    assert {each.key for each in _decided(again)} & {each.key for each in _decided(once)} == set()
    assert not [each for each in _decided(again) if not isinstance(each, RolledBack)]
    assert [each.key for each in again.entries if isinstance(each, Certified)] in ([f"certified:{NIGHT}"], [])


PLAIN = shadows.baseline("first")
TERMS = Terms(loss="log_loss", cluster="day", margin=0.0, bound=1.0, level=0.05)
BEGUN = [entry("promoted", "first", version="1", day="2013-01-01", terms=TERMS)]  # held against its baseline
SINCE = entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10", terms=TERMS)
SECOND = [*BEGUN, SINCE]
MOVED = [*BEGUN, entry("anchored", version="1", how="better", best=PLAIN, partition="2013-01-05"), SINCE]


@pytest.mark.parametrize(("patience", "left"), [(7, 1), (6, 0)])
def test_who_waits_is_told_what_its_patience_still_allows(patience: int, left: int) -> None:
    """A holdout of the 1st to the 7th; labels come a day late, and the night after its patience looks once more."""
    found = _look(_loop(patience_days=patience), CROWNED, [-0.01] * 5, champion="1")
    assert found.decision.reason.startswith("waits in shadow: log_loss against the champion -0.0100 [")
    assert found.decision.reason.endswith(f" of which its patience leaves {left}")


def _against(anchor: str, differences: list[float], **more: Any) -> dict[str, Any]:
    return {"anchor": anchor, "anchored": duel.dump(days(differences)), "baseline_loss": 1.0, **more}


@pytest.mark.parametrize(("differences", "kind"), [(WORSE, "rejected"), (BETTER, "won"), ([0.0] * 5, "waiting")])
def test_a_first_champion_has_to_hold_against_its_own_baseline(differences: list[float], kind: str) -> None:
    found = _look(_loop(), [], None, **_against(shadows.baseline("new"), differences))
    (told,) = found.entries
    assert (told.kind, told.champion, told.against.name) == (kind, None, "baseline:new")
    assert found.evidence == Gathered((), "baseline:new", tuple(days(differences)))
    assert told.terms.margin == 0.0
    assert told.against.terms.margin == pytest.approx(anchors.FIFTH * told.terms.bound)
    assert told.difference is None  # there is no champion
    assert "the baseline" in told.reason


def test_a_challenger_has_to_hold_against_champion_and_anchor() -> None:
    won = _look(_loop(), SECOND, BETTER, champion="2", **_against(PLAIN, BETTER))
    assert won.decision.verdict == "promote"
    assert "against the champion" in won.decision.reason
    assert "against the baseline" in won.decision.reason
    assert _look(_loop(), SECOND, BETTER, champion="2", **_against(PLAIN, [0.3] * 4)).decision.verdict == "wait"
    lost = _look(_loop(), SECOND, BETTER, champion="2", **_against(PLAIN, WORSE))
    assert lost.decision.reason.startswith("rejected: beaten by the baseline: ")
    assert lost.entries[0].beaten
    assert _look(_loop(), SECOND, WORSE, champion="2", **_against(PLAIN, BETTER)).decision.reason.startswith(
        "rejected: beaten by the champion: "
    )


def test_the_champion_is_not_met_twice_unless_it_is_held_to_what_was_better() -> None:
    anchored = entry("anchored", version="2", how="better", best="2", partition="2013-01-12")
    same = _look(_loop(), [*SECOND, anchored], BETTER, champion="2", **_against("2", BETTER))
    assert same.decision.against is None
    half = anchored.model_copy(update={"how": "not worse", "best": PLAIN})
    twice = _look(_loop(), [*SECOND, half], BETTER, champion="2", **_against("2", BETTER))
    assert twice.decision.against is not None
    assert twice.decision.against.margin == pytest.approx(anchors.FIFTH / 2)


def test_what_challengers_lose_against_the_anchor_is_owed_across_champions() -> None:
    loop = _loop(aim="non_inferior", margin=0.1)
    earlier = _look(loop, BEGUN, [0.0] * 5, run="earlier", **_against(PLAIN, [0.2] * 5))
    (told,) = earlier.entries
    later = training(
        "later",
        [0.0] * 5,
        champion="2",
        days={"2013-01-20": {"rows": 10, "challenger": 1.0}},
        **_against(PLAIN, [0.0] * 5),
    )
    found = looks.first_look(loop, [*BEGUN, told, SINCE], later, lambda _: earlier.evidence, [])
    (waiting, *_) = found.entries
    assert (waiting.debt, waiting.against.debt < 0) == (0.0, True)  # the champion is another, the anchor the same
    expected = duel.owed(days([0.2] * 5), margin=0.1, bound=told.against.terms.bound)
    assert waiting.against.debt == pytest.approx(expected)


def test_with_no_champion_who_waits_may_win_by_a_night_and_the_others_leave_then() -> None:
    waiting = [
        _look(_loop(), [], None, run=run, **_against(shadows.baseline(run), [0.0] * 5)).entries[0] for run in "ab"
    ]
    gathered = {run: Gathered((), shadows.baseline(run), tuple(days(d))) for run, d in (("a", BETTER), ("b", [0.0]))}
    found = _lived(_loop(), waiting, None, gathered, looks.Measured(1.0), baseline_loss=1.0)
    assert found.winner is not None
    assert (found.winner.run, found.winner.champion, found.winner.against.name) == ("a", None, "baseline:a")
    assert [each.kind for each in found.entries] == ["won"]  # there is no champion to certify
    crowned = [*waiting, *found.entries, entry("promoted", "a", version="1", day=NIGHT, terms=found.winner.terms)]
    assert anchors.anchor(crowned).name == "baseline:a"
    after = _lived(_loop(), crowned, "1", gathered, looks.Measured(1.0))
    assert [(each.kind, each.run) for each in _decided(after)] == [("left", "b")]
    assert "there is a champion since" in _decided(after)[0].reason


def _own(anchor: str, differences: list[float], best: list[float] | None = None) -> looks.Measured:
    own = Gathered((), anchor, tuple(days(differences)))
    return looks.Measured(1.0, own=own, best=lambda: days(differences if best is None else best))


def test_a_night_certifies_the_champion_by_its_own_days() -> None:
    (told,) = _lived(_loop(), SECOND, "2", {}, _own(PLAIN, [-0.01] * 5)).entries
    assert isinstance(told, Certified)
    assert (told.version, told.anchor, told.since, told.clusters) == ("2", PLAIN, "2013-01-01", 5)
    assert told.low < told.difference < told.high
    assert told.difference == pytest.approx(-0.01)
    assert told.key == f"certified:{NIGHT}"
    assert told.loss == _loop().measured_in == "log_loss"


def test_a_champion_that_is_proved_better_becomes_the_anchor_unless_somebody_wins_that_night() -> None:
    found = _lived(_loop(), SECOND, "2", {}, _own(PLAIN, BETTER))
    told, moved = found.entries
    assert isinstance(told, Certified)
    assert isinstance(moved, Anchored)
    assert (moved.version, moved.how, moved.best, moved.partition) == ("2", "better", PLAIN, NIGHT)
    assert moved.reason in found.said
    again = _lived(_loop(), [*SECOND, told, moved], "2", {}, _own(PLAIN, BETTER))
    assert [each.kind for each in again.entries] == ["certified"]
    entries = [*SECOND, entry("waiting", "a", line="a", since="2013-01-12", champion="2")]
    gathered = {"a": Gathered(tuple(days(BETTER)), PLAIN, tuple(days(BETTER)))}
    won = _lived(_loop(), entries, "2", gathered, _own(PLAIN, BETTER))
    assert [each.kind for each in won.entries] == ["certified", "won"]


def test_an_anchor_that_does_better_is_champion_again_and_a_baseline_never_is() -> None:
    (back,) = _lived(_loop(), MOVED, "2", {}, _own("1", WORSE)).entries
    assert isinstance(back, RolledBack)
    assert (back.version, back.left, back.automatic) == ("1", "2", True)
    assert "the anchor v1 does better" in back.reason
    other = _lived(_loop(), MOVED, "2", {}, _own(PLAIN, WORSE))  # measured before the anchor moved
    (blind,) = other.entries
    assert (blind.kind, blind.anchor, blind.clusters) == ("certified", "1", 0)
    (told,) = _lived(_loop(), SECOND, "2", {}, _own(PLAIN, WORSE)).entries
    assert isinstance(told, Certified)
    assert told.low > 0


def test_whoever_was_promoted_as_not_worse_is_not_turned_back_by_the_days_that_promoted_it() -> None:
    loop = _loop(aim="non_inferior", margin=0.02, bound=0.05, level=0.05)
    slightly = days([0.012] * 16)  # 14 prove the anchor better, and 16 that it is not by a margin
    assert duel.judge(duel.exchange(slightly), margin=0.0, bound=0.05, level=0.1).verdict == "promote"
    anchored = Gathered(tuple(slightly), "1", tuple(slightly))  # the champion is the anchor
    waits = [*MOVED[:2], _waits("a", "2013-01-01", "1")]
    won = _lived(loop, waits, "1", {"a": anchored}, looks.Measured(1.0)).winner
    assert won is not None
    assert won.night == NIGHT
    terms = won.terms
    crowned = [*waits, won, entry("promoted", "a", version="2", replaces="1", champion="1", terms=terms, day=won.day)]
    for lived, kind in ((16, "certified"), (30, "certified"), (40, "rolled_back")):
        (found,) = _lived(loop, crowned, "2", {}, _own("1", [0.012] * lived)).entries
        assert found.kind == kind


def test_a_win_whose_refit_is_too_slow_is_offered_each_night_after_who_wins_and_leaves_in_the_end() -> None:
    won = entry("won", "a", champion="2", day="2013-01-15")  # at its first look: its own training has gone
    slow = lifecycle.delayed(won, "waits: its refit: latency_ms", ["refit: latency_ms"])
    assert (slow.key, slow.mlflow_run, slow.delayed) == ("delayed:a", "a", ("refit: latency_ms",))
    entries = [*CROWNED, won, slow, _waits("b")]
    assert _night(entries, {"b": [0.0]}, [], shadows=9).winner == won
    assert _night(entries, {"b": [0.0]}, [], shadows=9, approval=("ada",)).winner == won  # nobody was asked yet
    assert _night(entries, {"b": BETTER}, [], shadows=9).winner.run == "b"
    (gone,) = _decided(_night(entries[:-1], {}, [], patience_days=4))
    assert (gone.kind, gone.run) == ("left", "a")
    assert "its refit was too slow for 4 days" in gone.reason


def test_a_timing_lets_wait_and_a_quiet_night_lets_in() -> None:
    loop = _loop(latency_ms=10)
    (waiting,) = _look(loop, CROWNED, BETTER, latency_ms=12.0).entries
    assert (waiting.kind, waiting.failed, waiting.delayed) == ("waiting", (), ("latency_ms",))
    gathered, measured = {"new": Gathered(tuple(days(BETTER)))}, looks.Measured(1.0)
    for ms, kinds in ((12.0, []), (9.0, ["won"])):
        found = _lived(
            loop, [*CROWNED, waiting], "1", gathered, measured, latency_ms=ms, compared=duel.dump(days(BETTER))
        )
        assert [each.kind for each in _decided(found)] == kinds
    alone = _look(loop, [], None, latency_ms=12.0).entries
    assert [each.kind for each in alone] == ["waiting"]
    assert "there is no champion yet" in alone[0].reason
    (gone,) = _decided(_lived(loop, [*CROWNED, *alone], "1", gathered, measured, latency_ms=9.0))
    assert (gone.kind, gone.reason) == ("left", "there is a champion since, which it was not measured against")
