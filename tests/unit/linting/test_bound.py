"""A bound that no day can come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.rules import Gate
from ratchet.linting import bound

COSTS = {"true_positive": 5, "false_positive": 15, "false_negative": 60}
CLASSES = {"late": {"on time": 60, "early": 70, "late": -5}, "on time": {"late": 15}}


def _told(name: str, **gate: Any) -> list[str]:
    about = {**gate, "value": {"unit": "minutes", **gate["value"]}} if "value" in gate else gate
    return [*bound.remarks(catalog.load(name).model_copy(update={"gate": Gate.model_validate(about)}))]


@pytest.mark.parametrize(
    ("name", "gate", "most"),
    [
        # The label of a row is the same for both models: a missed one costs 55 more than a found one, and not 60.
        ("flight_delays", {"loss": "value", "bound": 56, "value": {"costs": COSTS}}, "55"),
        ("flight_delays", {"loss": "value", "bound": 55, "value": {"costs": COSTS}}, ""),
        ("flight_delays", {"loss": "value", "bound": 1e9, "value": {"costs": {**COSTS, "true_negative": -99}}}, "114"),
        ("flight_delays", {"bound": 16, "value": {"costs": COSTS}}, ""),  # the duel is of another loss
        ("flight_delays", {"loss": "value", "bound": 1e9, "value": {"sql": "prediction"}}, ""),  # anything
        ("flight_classes", {"loss": "value", "bound": 76, "value": {"costs": CLASSES}}, "75"),
        ("flight_classes", {"loss": "value", "bound": 75, "value": {"costs": CLASSES}}, ""),
        ("flight_delays", {"loss": "brier", "bound": 3}, "1"),
        ("flight_delays", {"loss": "brier", "bound": 0.1}, ""),
        ("flight_delays", {"loss": "brier"}, ""),
        ("flight_delays", {"loss": "brier", "bound": 3, "aim": "non_inferior", "margin": 0.5}, ""),  # 1 is too little
        ("flight_delays", {"loss": "log_loss", "bound": 500}, "16.1"),
        ("flight_delays", {"loss": "log_loss", "bound": 0.05}, ""),
        ("wind", {"bound": 1e9}, ""),
    ],
)
def test_a_bound_is_held_to_what_two_answers_can_differ_by(
    place: Path, name: str, gate: dict[str, Any], most: str
) -> None:
    told = _told(name, **gate)
    assert len(told) == bool(most)
    if most:
        assert f"differ by more than {most} " in told[0]
        assert told[0].endswith(f"Make it {most}")


def test_the_remark_says_what_it_rests_on(place: Path) -> None:
    (told,) = _told("flight_delays", loss="value", bound=500, value={"costs": COSTS})
    assert told == (
        "gate.bound is 500, and two answers to a row never differ by more than 55 minutes (gate.value.costs), "
        "so that it clips nothing and only makes each duel longer. Make it 55"
    )
    assert "(brier)" in _told("flight_delays", loss="brier", bound=3)[0]
