"""The parts of a contract that say how decisions are made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ratchet.contract.rules import Bound, Gate, Monitor, Retrain


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
        ({"aim": "non_inferior", "margin": 0}, "needs a margin of more than 0"),
        ({"margin": 0}, "needs a margin of more than 0"),
        ({"aim": "superior", "margin": 0.1}, "belongs to aim non_inferior"),
        ({"level": 0.5}, "less than 0.5"),
        ({"shadow": 3}, "Extra inputs are not permitted"),
        ({"size_mb": float("nan")}, "finite number"),
        ({"floors": {"mae": {"max": float("nan")}}}, "finite number"),
        ({"approval": [" "]}, "at least 1 character"),
        ({"loss": "value", "bound": 3}, "needs gate.value"),
        ({"loss": "value", "value": {"unit": "hours", "sql": "prediction"}}, "needs a bound"),
        ({"value": {"unit": "hours"}}, "one of costs and sql, found neither"),
        ({"value": {"unit": "hours", "sql": "1", "costs": {}}}, "one of costs and sql, found both"),
        ({"value": {"unit": " ", "sql": "prediction"}}, "name a unit, as minutes of delay; found ' '"),
        ({"value": {"unit": None, "sql": "prediction"}}, "name a unit, as minutes of delay; found None"),
        ({"value": {"unit": "hours\nof work", "sql": "prediction"}}, "match pattern"),
        ({"value": {"unit": "hours", "costs": {"false_positive": float("inf")}}}, "finite number"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Gate.model_validate(given_)


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
