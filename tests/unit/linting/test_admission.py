"""A calendar that is never what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.rules import Retrain
from ratchet.linting import admission


def _told(**retrain: Any) -> list[str]:
    loop = catalog.load("flight_delays")
    return [*admission.remarks(loop.model_copy(update={"retrain": Retrain.model_validate(retrain)}))]


@pytest.mark.parametrize(
    ("retrain", "words"),
    [
        ({"policies": {"calendar": {"days": 1}}}, ""),
        ({"policies": {"calendar": {}}}, ""),
        ({"policies": {"drift": {}}, "cooldown_days": 30}, ""),
        (
            {"policies": {"calendar": {"days": 1}}, "cooldown_days": 5},
            "asks every day, and retrain.cooldown_days is 5: it retrains every 5 days. Make the cool-down 1, or",
        ),
        ({"policies": {"calendar": {}}, "cooldown_days": 9}, "asks every 7 days, and retrain.cooldown_days is 9: "),
        (
            {"policies": {"calendar": {"days": 1}}, "per_week": 3},
            "asks every day, and retrain.per_week is 3: no more than 3 of 7 a week are admitted",
        ),
        ({"policies": {"calendar": {"days": 3}}, "per_week": 3}, ""),
    ],
)
def test_what_holds_a_calendar_up_is_told_with_its_numbers(place: Path, retrain: dict[str, Any], words: str) -> None:
    told = _told(**retrain)
    assert len(told) == bool(words)
    assert all(words in each for each in told)
