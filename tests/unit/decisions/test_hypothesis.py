"""What a challenger has to prove: its line, its clusters, its level."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import duel, hypothesis
from tests.given.clusters import days
from tests.given.entries import entry


def _loop(**gate: Any) -> Loop:
    loop = catalog.load("flight_delays")
    return loop.model_copy(update={"gate": loop.gate.model_copy(update=gate)})


def test_a_model_that_is_deployed_as_judged_is_a_hypothesis_of_its_own() -> None:
    assert hypothesis.line(_loop(deploy="evaluated"), [], "recipe", "run") == "run"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({"kind": "promoted", "champion": None, "recipe": "other"}, "recipe.0"),  # the first champion replaced nobody
        ({"kind": "promoted", "champion": "1", "recipe": "recipe"}, "recipe.0"),
        ({"kind": "promoted", "champion": "1", "recipe": "other"}, "recipe.1"),
        ({"kind": "rejected", "beaten": True, "recipe": "other"}, "recipe.0"),
        ({"kind": "rejected", "beaten": True, "recipe": "recipe"}, "recipe.1"),
        ({"kind": "rejected", "beaten": False, "recipe": "recipe"}, "recipe.0"),
        ({"kind": "rolled_back"}, "recipe.1"),
    ],
)
def test_a_recipe_that_lost_has_to_prove_itself_anew(told: dict[str, Any], name: str) -> None:
    assert hypothesis.line(_loop(deploy="refit"), [entry(**told)], "recipe", "run") == name


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
def test_the_bound_is_a_tenth_of_the_loss_and_leaves_room_for_the_margin(scale: float, margin: float) -> None:
    found = hypothesis.bound(_loop(aim="non_inferior", margin=margin, bound=None), scale)
    assert found >= 0.1 * abs(scale)
    assert found > 2 * margin
    assert hypothesis.bound(_loop(bound=7.0), scale) == 7.0


def test_a_later_hypothesis_is_judged_more_strictly() -> None:
    entries = [entry("rejected", line=f"l{i}", champion="1") for i in range(5)]
    loop, daily = _loop(deploy="refit"), days([-0.01] * 10)
    first, sixth = (hypothesis.judge(loop, past, "mine", daily, 0.5) for past in ([], entries))
    assert sixth.needed > first.needed
    assert first.rival == sixth.rival
    assert first == duel.judge(
        daily, margin=loop.gate.margin, bound=hypothesis.bound(loop, 0.5), level=duel.level(loop.gate.level, 1, 0)
    )
