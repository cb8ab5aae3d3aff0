"""The anchor: what a loop's models are held to, so that a chain of small losses ends at one margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, duel, gate, hypothesis, looks, shadows
from ratchet.decisions.anchors import Anchor
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Entry, Promoted, Terms
from ratchet.partitions import shift
from tests.given.clusters import days
from tests.given.entries import entry
from tests.given.evaluations import training

TERMS = Terms(loss="log_loss", cluster="day", margin=0.02, bound=0.2, level=0.05)
PLAIN = shadows.baseline("first")
FIRST = entry("promoted", "first", version="1", day="2013-01-01", terms=TERMS)
SECOND = entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10", terms=TERMS)
OLD = [entry("promoted", "old", version="1", day="2013-01-01")]  # by 0.2, without terms
differences = st.lists(st.floats(-0.3, 0.3), max_size=40)


def _loop(**gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    plain = {"floors": {}, "slices": None, "fairness": None, "loss": "log_loss", "cluster": "day"}
    plain |= {"aim": "non_inferior", "margin": 0.02, "bound": 0.2, "level": 0.05, "approval": (), "anchor_days": 90}
    return loop.model_copy(update={"gate": loop.gate.model_copy(update={**plain, **gate})})


def _moved(how: str, version: str, best: str, night: str = "2013-02-01") -> Any:
    return entry("anchored", version=version, how=how, best=best, partition=night)


def _lost(version: str, vacant: bool = False) -> Any:
    return entry("lost", version=version, vacant=vacant)


FIRST_IS, SECOND_IS = ("1", "2013-02-01", "1"), ("2", "2013-02-01")


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([], None),
        ([entry("waiting", "first")], None),
        ([FIRST], Anchor(PLAIN, "2013-01-01", PLAIN)),
        ([FIRST, SECOND], Anchor(PLAIN, "2013-01-01", PLAIN)),
        ([FIRST, SECOND, entry("rolled_back", version="1", left="2")], Anchor(PLAIN, "2013-01-01", PLAIN)),
        ([FIRST, SECOND, _moved("better", "2", PLAIN)], Anchor("2", "2013-02-01", "2")),
        ([FIRST, SECOND, _moved("not worse", "2", PLAIN)], Anchor("2", "2013-02-01", PLAIN)),
        (OLD, Anchor("1", "2013-01-01", "1")),
        # What is lost leaves its place to the one before it; a baseline is never lost with MLflow.
        ([FIRST, SECOND, _moved("better", "2", PLAIN), _lost("2")], Anchor(PLAIN, "2013-01-01", PLAIN)),
        ([FIRST, _moved("better", "1", PLAIN), SECOND, _moved("not worse", "2", "1"), _lost("2")], Anchor(*FIRST_IS)),
        ([FIRST, _moved("better", "1", PLAIN), _moved("not worse", "2", "1"), _lost("1")], Anchor(*SECOND_IS, PLAIN)),
        ([FIRST, SECOND, _lost("1"), _lost("2", vacant=True)], Anchor(PLAIN, "2013-01-01", PLAIN)),
        ([*OLD, SECOND, _lost("1")], Anchor("2", "2013-01-10", "2")),
        ([*OLD, _lost("1", vacant=True)], None),
        (
            [*OLD, _lost("1", vacant=True), FIRST.model_copy(update={"version": "2"})],
            Anchor(PLAIN, "2013-01-01", PLAIN),
        ),
        ([*OLD, SECOND], Anchor("1", "2013-01-01", "1")),
        ([*OLD, entry("promoted", "b", version="2", champion="1", day="2013-01-05")], Anchor("2", "2013-01-05", "2")),
    ],
)
def test_the_anchor_is_read_from_the_ledger(entries: list[Entry], found: Anchor | None) -> None:
    assert anchors.anchor(entries) == found


def test_an_anchor_is_shown_by_its_version_and_a_baseline_has_none() -> None:
    assert (anchors.shown("7"), anchors.shown(PLAIN)) == ("v7", "the baseline")
    assert (Anchor("7", "", "7").version, Anchor(PLAIN, "", PLAIN).version) == ("7", None)


@pytest.mark.parametrize(
    ("margin", "best", "expected"), [(0.02, True, 0.02), (0.02, False, 0.01), (0.0, True, 0.04), (0.0, False, 0.02)]
)
def test_the_terms_are_those_of_the_line_by_a_margin_that_is_half_where_the_best_is_another(
    margin: float, best: bool, expected: float
) -> None:
    found = anchors.terms(TERMS.model_copy(update={"margin": margin}), best)
    assert found == TERMS.model_copy(update={"margin": pytest.approx(expected)})


def _judged(run: str, name: str, debt: float = 0.0, **changes: Any) -> Any:
    held = duel.judge(days([0.0]), margin=0.02, bound=0.2, level=0.05, debt=debt)
    told = gate.against(name, TERMS.model_copy(update=changes), held)
    return entry("waiting", run, since="2013-01-01", terms=TERMS, against=told)


def test_what_was_lost_against_an_anchor_is_owed_to_it_and_to_no_other() -> None:
    loop, worse = _loop(), Gathered((), "1", tuple(days([0.1] * 6)))

    def owed(*entries: Entry, first: str = "2013-01-04", held: Gathered = worse) -> float:
        return anchors.debt(loop, entries, "1", "new", first, lambda _: held)

    assert owed() == 0
    assert owed(_judged("new", "1")) == 0  # its own
    found = owed(_judged("a", "1", -1.0))
    assert found == duel.owed(worse.anchored[:3], margin=0.02, bound=0.2, debt=-1.0) < -1
    assert owed(_judged("a", "1", -1.0), first="2013-01-01") == -1
    assert owed(_judged("a", "2", -1.0)) == 0
    assert owed(_judged("a", "1", -1.0, loss="brier")) == 0
    assert owed(_judged("a", "1", -1.0), held=Gathered((), "2", worse.anchored)) == 0  # gathered anew since


def _at(night: str, values: list[float], best: list[float], *entries: Entry) -> Any:
    held = tuple(days(values))
    return anchors.moved(
        _loop(), anchors.anchor([FIRST, SECOND, *entries]), night, "2", TERMS, held, lambda: days(best)
    )


def test_a_young_anchor_moves_to_what_is_proved_better_alone() -> None:
    found = _at("2013-02-01", [-0.05] * 40, [])
    assert (found.key, found.version, found.how, found.best) == ("anchored:2:2013-02-01", "2", "better", PLAIN)
    assert "proved better than the baseline" in found.reason
    assert _at("2013-02-01", [0.0] * 400, []) is None
    assert _at("2013-02-01", [-0.05] * 3, []) is None


def test_an_old_anchor_moves_to_what_is_not_worse_than_the_best_by_half_the_margin() -> None:
    found = _at("2013-05-01", [0.0] * 400, [])
    assert (found.how, found.best) == ("not worse", PLAIN)
    half = _moved("not worse", "1", PLAIN, "2013-01-05")
    found = _at("2013-05-01", [0.0] * 9, [0.0] * 400, half)
    assert (found.how, found.best) == ("not worse", PLAIN)
    assert "not worse than the baseline" in found.reason
    assert _at("2013-05-01", [0.0] * 9, [0.015] * 400, half) is None
    assert _at("2013-01-20", [0.0] * 400, [0.0] * 400, half) is None  # young, and not better
    assert _at("2013-01-20", [-0.05] * 40, [-0.05] * 40, half).how == "better"


def test_the_best_is_asked_for_only_where_it_decides() -> None:
    def never() -> list[Cluster]:
        raise AssertionError("asked")

    entries = [FIRST, SECOND]
    assert (
        anchors.moved(_loop(), anchors.anchor(entries), "2013-05-01", "2", TERMS, days([-0.05] * 40), never) is not None
    )
    half = [*entries, _moved("not worse", "1", PLAIN, "2013-01-05")]
    assert anchors.moved(_loop(), anchors.anchor(half), "2013-01-20", "2", TERMS, days([0.0] * 9), never) is None
    assert anchors.moved(_loop(), anchors.anchor(half), "2013-05-01", "1", TERMS, [], never) is None  # it is the anchor
    assert anchors.moved(_loop(), None, "2013-05-01", "1", TERMS, [], never) is None


@given(differences, differences, st.booleans(), st.booleans())
def test_the_anchor_moves_on_proof_alone(values: list[float], best: list[float], old: bool, half: bool) -> None:
    loop, held = _loop(), [_moved("not worse", "1", PLAIN, "2013-01-05")] if half else []
    found = _at("2013-06-01" if old else "2013-01-20", values, best, *held)
    against_best = days(best if half else values)
    better = hypothesis.judge(loop, TERMS.model_copy(update={"margin": 0.0}), against_best)
    near = hypothesis.judge(loop, anchors.terms(TERMS, best=False), against_best)
    if found is not None:
        assert (better if found.how == "better" else near).verdict == "promote"
        assert found.how == ("better" if better.verdict == "promote" else "not worse")
        soon = hypothesis.judge(loop, TERMS.model_copy(update={"margin": 0.0}), days(values))
        assert old or soon.verdict == "promote"
    elif old:
        assert "promote" not in (better.verdict, near.verdict)


@given(differences)
def test_a_certificate_says_what_is_known_of_the_champion_and_moves_nothing(values: list[float]) -> None:
    entries = [FIRST, SECOND]
    told = anchors.certified(_loop(), anchors.anchor(entries), "2013-02-01", "2", TERMS, days(values))
    assert (told.version, told.anchor, told.since, told.clusters) == ("2", PLAIN, "2013-01-01", len(values))
    assert told.low <= told.high
    assert told.low - 1e-9 <= told.difference <= told.high + 1e-9 or not values
    assert told.reason.startswith("v2 against its anchor, the baseline of 2013-01-01: ")
    assert anchors.anchor([*entries, told]) == anchors.anchor(entries)
    anchor = anchors.certified(
        _loop(), anchors.anchor([FIRST, SECOND, _moved("better", "2", PLAIN)]), "2013-02-02", "2", TERMS, []
    )
    assert (anchor.anchor, anchor.difference, anchor.clusters) == ("2", None, 0)
    assert anchor.reason == "v2 is the anchor since 2013-02-01"


MARGIN, STEP, HELD, NOISE = 0.02, 0.004, 30, 0.01  # a step is a fifth of a margin


def test_a_creeping_chain_gets_no_further_than_a_margin_from_the_anchor() -> None:
    """Let each challenger be a little worse than the champion of then: by how much in the end the best is lost."""
    lives = [_crept(np.random.default_rng(seed)) for seed in range(40)]
    assert np.mean([crept > MARGIN + STEP for crept in lives]) <= 0.05
    free = [_crept(np.random.default_rng(seed), anchor="") for seed in range(5)]
    assert min(free) > 2 * MARGIN  # nobody holds them to an anchor


def _crept(rng: np.random.Generator, anchor: str = "1") -> float:
    """Live twelve challengers, each worse by a step; return how far the last champion is from the anchor.

    anchor: that they are measured against; empty where they are not.
    """
    loop = _loop(margin=MARGIN, bound=3 * MARGIN)
    entries: list[Entry] = [FIRST, _moved("better", "1", PLAIN, "2013-01-02")]
    quality, champion, evidence = {"1": 0.0}, "1", dict[str, Gathered]()
    for number in range(2, 14):
        begun, run, version = shift("2013-01-03", HELD * (number - 2)), f"run{number}", str(number)
        quality[version] = quality[champion] + STEP
        held, anchored = (
            [
                Cluster(shift(begun, n), 10, 10 * (quality[version] - quality[other] + noise))
                for n, noise in enumerate(rng.normal(0, NOISE, HELD))
            ]
            for other in (champion, "1")
        )
        if champion == "1":
            anchored = held
        evidence[run] = Gathered(tuple(held), anchor, tuple(anchored))
        found = looks.first_look(
            loop,
            entries,
            training(
                run,
                [],
                champion=champion,
                compared=duel.dump(held),
                anchor=anchor,
                anchored=duel.dump(anchored),
                days={each.key: {"rows": 10, "challenger": 1.0} for each in held},
            ),
            lambda run: evidence.get(run, duel.NOTHING),
            [],
        )
        entries += found.entries
        if found.decision.verdict == "promote":
            won = found.entries[0]
            about = {"version": version, "replaces": champion, "key": f"promoted:{run}", "kind": "promoted"}
            entries.append(Promoted(**{**won.model_dump(by_alias=True, exclude_unset=True), **about}))
            champion = version
    return quality[champion]


def test_predecessor_and_anchor_predict_in_shadow_and_the_champion_does_not() -> None:
    assert anchors.in_shadow([FIRST]) == []  # a baseline is no version
    assert anchors.in_shadow([FIRST, SECOND]) == ["1"]
    about = {"version": "3", "replaces": "2", "champion": "2", "day": "2013-03-01", "terms": TERMS}
    third = entry("promoted", "third", **about)
    assert anchors.in_shadow([FIRST, SECOND, _moved("better", "2", PLAIN), third]) == ["1", "2"]
    assert anchors.in_shadow([FIRST, SECOND, _moved("better", "2", PLAIN)]) == ["1"]


def test_evidence_against_another_anchor_is_gathered_anew() -> None:
    asked = list[tuple[int, str]]()

    def compare(known: Any, name: str) -> Any:
        asked.append((len(known), name))
        return (*known, *days([0.1]))

    before = Gathered(tuple(days([0.1, 0.2])), PLAIN, tuple(days([0.3])))
    found = anchors.gathered(before, "2", PLAIN, compare)
    assert (len(found.days), found.anchor, len(found.anchored)) == (3, PLAIN, 2)
    assert len(anchors.gathered(before, "2", "1", compare).anchored) == 1
    same = anchors.gathered(before, "2", "2", compare)
    assert same.anchored == same.days
    alone = anchors.gathered(before, None, PLAIN, compare)
    assert alone.days == before.days
    assert anchors.gathered(before, None, "", compare).anchored == ()
    assert asked == [(2, "2"), (1, PLAIN), (2, "2"), (0, "1"), (2, "2"), (1, PLAIN)]
