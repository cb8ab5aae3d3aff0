"""What a challenger has to prove: its line, its clusters, its level."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.contract.value import Value
from ratchet.decisions import duel, hypothesis
from ratchet.decisions.duel import Cluster, Gathered
from tests.given.clusters import days
from tests.given.entries import entry


def _loop(**gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    return loop.model_copy(update={"gate": loop.gate.model_copy(update=gate)})


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({"kind": "promoted", "champion": None, "recipe": "other"}, 1),
        ({"kind": "promoted", "champion": "1", "recipe": "recipe"}, 1),  # its own: what it has won is spent
        ({"kind": "promoted", "champion": "1", "recipe": "other"}, 1),
        ({"kind": "rejected", "beaten": True, "recipe": "other"}, 0),
        ({"kind": "rejected", "beaten": True, "recipe": "recipe"}, 1),
        ({"kind": "rejected", "beaten": False, "recipe": "recipe"}, 0),
        ({"kind": "rolled_back"}, 1),
    ],
)
def test_a_line_ends_with_its_champion_and_where_it_is_beaten(told: dict[str, Any], ended: int) -> None:
    assert hypothesis.line(_loop(), [entry(**told)], "recipe").split(".")[::2] == ["recipe", str(ended)]


@pytest.mark.parametrize(
    "change", [{"loss": "brier"}, {"cluster": "week"}, {"margin": 0.01}, {"bound": 0.06}, {"bound": None}]
)
def test_another_loss_cluster_margin_or_bound_begins_a_new_line(change: dict[str, Any]) -> None:
    one, other = _loop(), _loop(**change)
    line = hypothesis.line(one, [], "recipe")
    assert hypothesis.line(other, [], "recipe") != line
    assert (hypothesis.same_unit(one, line), hypothesis.same_unit(other, line)) == (True, False)
    assert hypothesis.same_unit(other, "recipe.3")  # as 0.2 named them


def test_other_costs_begin_a_new_line() -> None:
    told = {"loss": "value", "bound": 5, "value": Value(unit="minutes", sql="abs(prediction - label)")}
    one = hypothesis.line(_loop(**told), [], "recipe")
    dearer = {**told, "value": Value(unit="minutes", sql="2 * abs(prediction - label)")}
    assert hypothesis.same_unit(_loop(**told), one)
    assert not hypothesis.same_unit(_loop(**dearer), one)
    # Told beside another loss, costs are no unit of the duel.
    assert hypothesis.unit(_loop()) == hypothesis.unit(_loop(value=dearer["value"]))


def test_the_terms_of_a_line_are_those_of_its_first_day() -> None:
    loop = _loop(bound=None, margin=None)
    first = hypothesis.terms(loop, [], "mine", 0.6)
    assert first.bound == pytest.approx(0.075)
    entries = [entry("waiting", "a", line="mine", terms=first), entry("waiting", "b", line="other")]
    assert hypothesis.terms(loop, entries, "mine", 0.3) == first
    assert hypothesis.terms(loop, entries, "other", 0.3).bound == pytest.approx(0.0375)


def test_a_challenger_owes_what_those_before_it_have_lost_before_its_own_days() -> None:
    loop = _loop()
    terms = hypothesis.terms(loop, [], "mine", 0.5)
    entries = [entry("waiting", "a", line="mine", terms=terms, debt=-1.0), entry("waiting", "z", line="other")]
    worse, better = Gathered(tuple(days([0.05] * 6))), Gathered(tuple(days([-0.05] * 9)))
    found = hypothesis.debt(loop, entries, "mine", "b", "2013-01-04", lambda run: worse)
    assert found == duel.owed(worse.days[:3], margin=loop.gate.margin, bound=terms.bound, debt=-1.0) < -1
    assert hypothesis.debt(loop, entries, "mine", "b", "2013-01-04", lambda run: better) > -1
    assert hypothesis.debt(loop, entries, "mine", "b", "2013-01-01", lambda run: worse) == -1
    assert hypothesis.debt(loop, entries, "third", "b", "2013-01-04", lambda run: worse) == 0


@given(st.lists(st.floats(-1, 1), max_size=40))
def test_weeks_count_when_they_are_over(values: list[float]) -> None:
    daily = days(values)
    weeks = hypothesis.grouped(_loop(cluster="week"), daily)
    assert hypothesis.grouped(_loop(cluster="day"), daily) == daily
    whole = sum(each.rows for each in daily if each.key <= "2013-01-06")  # the first of January is a Tuesday
    if weeks:
        assert weeks[0].rows == whole
        assert all(each.rows == 70 for each in weeks[1:])
    assert len(weeks) == max(0, (len(values) + 1) // 7)


@given(st.floats(-5, 5), st.floats(0.001, 1))
def test_the_bound_is_an_eighth_of_the_loss_and_leaves_room_for_the_margin(scale: float, margin: float) -> None:
    found = hypothesis.terms(_loop(aim="non_inferior", margin=margin, bound=None), [], "line", scale)
    assert found.bound >= abs(scale) / 8
    assert found.bound >= 2.5 * found.margin * (1 - 1e-12)
    assert found.margin == margin
    assert hypothesis.terms(_loop(bound=7.0), [], "line", scale).bound == 7.0


@given(st.floats(-5, 5))
def test_where_a_challenger_has_to_be_better_the_bound_is_a_third_of_the_loss(scale: float) -> None:
    for margin in (None, 0.0):
        found = hypothesis.terms(_loop(aim="superior", margin=margin, bound=None), [], "line", scale)
        assert found.margin == 0.0
        assert found.bound == pytest.approx(max(abs(scale) / 3, 1e-9))
    assert hypothesis.terms(_loop(aim="superior", margin=None, bound=7.0), [], "line", scale).bound == 7.0


@given(st.floats(-5, 5), st.floats(0.001, 9) | st.none())
def test_a_margin_that_is_not_said_follows_from_the_bound(scale: float, bound: float | None) -> None:
    found = hypothesis.of_now(_loop(margin=None, bound=bound), scale)
    assert found.bound == (bound or max(abs(scale) / 8, 1e-9))
    assert found.margin == pytest.approx(0.4 * found.bound)
    assert duel.fewest(margin=found.margin, bound=found.bound, level=0.05) == 4


def test_no_margin_is_named_as_it_was_where_a_challenger_has_to_be_better() -> None:
    """So that whoever waits goes on waiting where a contract says so now, and was silent before."""
    told = {"aim": "superior", "bound": None}
    assert hypothesis.unit(_loop(**told, margin=None)) == hypothesis.unit(_loop(**told, margin=0.0))
    assert hypothesis.unit(_loop(aim="non_inferior", bound=None, margin=None)) != hypothesis.unit(_loop(**told))


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ({"margin": None, "bound": None}, "5% of the loss"),
        ({"margin": None, "bound": 0.5}, "0.2"),
        ({"margin": 0.02, "bound": None}, "0.02"),
        ({"margin": 0.02, "bound": 0.05}, "0.02"),
    ],
)
def test_a_margin_is_told_as_far_as_the_contract_says_it(gate: dict[str, Any], said: str) -> None:
    assert hypothesis.margin_words(_loop(**gate)) == said


def test_every_challenger_is_judged_at_the_whole_level() -> None:
    entries = [entry("rejected", line=f"l{i}", champion="1") for i in range(5)]
    loop, daily = _loop(deploy="refit"), days([-0.01] * 10)
    terms = hypothesis.terms(loop, entries, "mine", 0.5)
    assert hypothesis.judge(loop, terms, daily) == duel.judge(
        daily, margin=loop.gate.margin, bound=loop.gate.bound or 0.0, level=loop.gate.level
    )


def test_a_predecessor_is_judged_the_other_way_round_at_a_level_of_its_own() -> None:
    loop, terms = _loop(), hypothesis.terms(_loop(bound=0.07), [], "line", 0.5)
    assert hypothesis.turned(loop, terms, days([-0.05] * 9)) == duel.judge(
        days([-0.05] * 9), margin=0.0, bound=0.07, level=loop.gate.rollback_level
    )


def test_what_a_holdout_has_too_few_of_is_said() -> None:
    few = hypothesis.too_few(_loop(margin=0.0, aim="superior"), [Cluster("2013-01-01", 7, 0.0)], 0.5)
    assert few == {
        "rows": "on 7 rows nothing can be said yet: at least 100 are needed",
        "clusters": "1 day alone can decide no duel: at least 6 are needed, and later nights add theirs",
    }
    assert hypothesis.too_few(_loop(margin=0.0, aim="superior"), days([0.0] * 10), 0.5) == {}
    weekly = hypothesis.too_few(_loop(cluster="week", margin=0.0, aim="superior"), days([0.0] * 30), float("nan"))
    assert weekly["clusters"].startswith("4 weeks alone can decide no duel")
