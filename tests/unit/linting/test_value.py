"""What a row costs, as far as it is known before there is a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.contract.rules import Gate
from ratchet.data import features
from ratchet.linting import value


@pytest.mark.parametrize(
    ("name", "about", "words"),
    [
        ("flight_delays", {"costs": {"false_positive": 1, "false_negative": 1}}, ""),
        ("flight_delays", {"sql": "abs(prediction - label) * seats + flight"}, ""),
        ("wind", {"sql": "abs(prediction - label) * wind_now"}, ""),
        ("wind", {"sql": "abs(predicton - label)"}, "predicton"),
        ("wind", {"sql": "wind_now * label"}, "does not read prediction"),
        ("wind", {"sql": "CAST(prediction AS VARCHAR)"}, "gives VARCHAR, and a cost is a number"),
        ("wind", {"sql": "prediction > 3"}, "gives BOOLEAN"),
        ("flight_classes", {"sql": "1 - probability_late"}, ""),
        ("flight_classes", {"costs": {"late": {"on time": 60}, "on time": {"late": 15}}}, ""),
        (
            "flight_classes",
            {"costs": {"late": {"on time": 60}, "on time": {"lat": 15}}},
            "'lat', which target.sql never",
        ),
        ("flight_classes", {"costs": {"lte": {"on time": 60}, "on time": {"late": 15}}}, "did you mean 'late'?"),
    ],
)
def test_what_is_wrong_with_a_value(place: Path, name: str, about: dict[str, Any], words: str) -> None:
    loop = catalog.load(name)
    loop = loop.model_copy(update={"gate": Gate.model_validate({"value": {"unit": "minutes", **about}})})
    wrong = [str(each) for each in value.mistakes(loop, features.dry_run(loop))]
    assert len(wrong) == bool(words), wrong
    assert all(words in each and "loop.yaml" in each for each in wrong)


def test_a_feature_may_not_be_called_as_what_was_predicted(place: Path) -> None:
    loop = catalog.load("wind")
    gate = Gate.model_validate({"value": {"unit": "minutes", "sql": "prediction"}})
    loop = loop.model_copy(update={"gate": gate})
    (wrong,) = value.mistakes(loop, ["Label"])
    assert "give the column another name" in str(wrong)
