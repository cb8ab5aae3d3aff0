"""The parts of a contract that say how decisions are made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ratchet.contract.rules import Bound, Gate, Monitor, Retrain, Value


@given(st.floats(0.001, 5), st.floats(0.001, 5))
def test_a_bound_leaves_room_for_the_margin_on_both_sides(margin: float, bound: float) -> None:
    if bound > 2 * margin:
        assert Gate(aim="non_inferior", margin=margin, bound=bound).bound == bound
    else:
        with pytest.raises(ValidationError, match="more than twice the margin"):
            Gate(aim="non_inferior", margin=margin, bound=bound)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"aim": "non_inferior"}, "needs a margin"),
        ({"margin": 0.1}, "belongs to aim non_inferior"),
        ({"level": 0.5}, "less than 0.5"),
        ({"shadow": 3}, "Extra inputs are not permitted"),
        ({"size_mb": float("nan")}, "finite number"),
        ({"floors": {"mae": {"max": float("nan")}}}, "finite number"),
        ({"approval": [" "]}, "at least 1 character"),
        ({"loss": "value", "bound": 3}, "needs gate.value"),
        ({"loss": "value", "value": {"unit": "hours", "sql": "prediction"}}, "needs a bound"),
        ({"value": {"unit": "hours"}}, "one of costs and sql, found neither"),
        ({"value": {"unit": "hours", "sql": "1", "costs": {}}}, "one of costs and sql, found both"),
        ({"value": {"unit": " ", "sql": "prediction"}}, "at least 1 character"),
        ({"value": {"unit": "hours\nof work", "sql": "prediction"}}, "match pattern"),
        ({"value": {"unit": "hours", "costs": {"false_positive": float("inf")}}}, "finite number"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Gate.model_validate(given_)


@pytest.mark.parametrize(
    ("task", "costs", "words"),
    [
        ("binary", {"false_positive": 15, "false_negative": 60}, ""),
        ("binary", {"true_positive": -5, "false_positive": 15}, ""),
        ("binary", {"false_postive": 15}, "no outcome of a binary task"),
        ("binary", {"late": {"early": 3}}, "no outcome of a binary task"),
        ("binary", {"false_positive": {"early": 3}}, "found costs of classes"),
        ("binary", {}, "false_positive has to cost more than true_negative, and false_negative more"),
        (
            "binary",
            {"false_positive": 3},
            "false_negative has to cost more than true_positive.* to say negative is never",
        ),
        (
            "binary",
            {"false_negative": 3, "true_negative": 1},
            "false_positive has to .* to say positive is never worse",
        ),
        ("regression", {"false_positive": 15}, "a regression has no outcomes"),
        ("multiclass", {"late": {"early": 3}, "early": {"late": 1}}, ""),
        ("multiclass", {"late": 3}, "what each class costs"),
        ("multiclass", {"late": {"early": 3}}, "to say 'late' is never worse than any other"),
        ("multiclass", {}, ""),
    ],
)
def test_costs_fit_their_task_and_leave_something_to_decide(task: str, costs: dict[str, Any], words: str) -> None:
    value = Value.model_validate({"unit": "hours", "costs": costs})
    if words:
        with pytest.raises(PydanticCustomError, match=words):
            value.fit(task)
    else:
        value.fit(task)


def test_a_floor_bounds_something() -> None:
    with pytest.raises(ValidationError, match="min or max"):
        Bound()
    assert Bound(min=0).min == 0


def test_a_policy_with_nothing_after_it_has_its_defaults() -> None:
    assert Retrain.model_validate({"policies": {"drift": None}}).policies == {"drift": {}}
    assert set(Retrain().policies) == {"drift", "degradation"}


def test_rules_stay_what_they_are() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Monitor().window_days = 3  # type: ignore[misc]
