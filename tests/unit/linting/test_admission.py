"""A calendar that is never what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.rules import Retrain
from ratchet.linting import admission


def _never(columns: int, features: tuple[str, ...] = ("dep_hour", "carrier"), **training: Any) -> list[str]:
    loop = catalog.load("flight_delays")
    changed: dict[str, Any] = {
        "retrain": Retrain.model_validate({"policies": {"drift": {"columns": columns}}}),
        "features": loop.features.model_copy(update={"categorical": ("carrier",)}),
        "schedule": loop.schedule.model_copy(update={"calendar": training.pop("calendar", "weekdays")}),
        "training": loop.training.model_copy(update=training),
    }
    return [str(each) for each in admission.mistakes(loop.model_copy(update=changed), features)]


def test_a_drift_of_more_columns_than_are_watched_never_asks(place: Path) -> None:
    assert _never(4) == _never(9, features=()) == []
    (told,) = _never(5)
    assert "drift asks when 5 columns are beyond their thresholds, and 4 are watched" in told
    assert told.endswith("Make it 4 at most")


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"window": "expanding", "holdout_days": 7}, ""),
        ({"window": 9, "holdout_days": 7, "calendar": "every_day"}, ""),
        ({"window": 9, "holdout_days": 7}, "of a window of 9 days at most 7 are weekdays, and 7 are held out"),
        ({"window": 10, "holdout_days": 7}, ""),
        ({"window": 8, "holdout_days": 5}, ""),
        ({"window": 7, "holdout_days": 5}, "Make window at least 8, or holdout_days smaller"),
    ],
)
def test_a_window_of_weekdays_holds_more_than_the_holdout(place: Path, training: dict[str, Any], words: str) -> None:
    told = _never(1, **training)
    assert len(told) == bool(words)
    assert all(words in each for each in told)


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
