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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("abs(prediction - label", 'Parser Error: syntax error at or near "label"'),
        ("CASE WHEN label THEN 60", 'Parser Error: syntax error at or near "60", where it ends: something is missing'),
        ("prediction FROM flights", 'Parser Error: syntax error at or near "FROM"'),
        ("prediction) FROM (SELECT 1 AS prediction", 'Parser Error: syntax error at or near ")"'),
        ("ratchet + prediction", 'Binder Error: Referenced column "ratchet" not found in FROM clause!'),
        ("CASE\n  WHEN label THEN prediction\n  ELSE plce END", 'Binder Error: Referenced column "plce" not found'),
    ],
)
def test_duckdbs_words_are_told_with_the_contracts_own_expression_and_nothing_of_ours(
    place: Path, text: str, says: str
) -> None:
    loop = catalog.load("flight_delays")
    loop = loop.model_copy(update={"gate": Gate.model_validate({"value": {"unit": "minutes", "sql": text}})})
    (wrong,) = value.mistakes(loop, features.dry_run(loop))
    found = str(wrong).partition(": gate.value.sql fails: ")[2]
    assert found.startswith(f"mend {' '.join(text.split())!r}. DuckDB says: {says}")
    about = found.partition("DuckDB says: ")[2].replace(says, "")
    assert not [each for each in ("_ratchet", "LINE", "SELECT", "^") if each in about], about


def test_a_feature_may_not_be_called_as_what_was_predicted(place: Path) -> None:
    loop = catalog.load("wind")
    gate = Gate.model_validate({"value": {"unit": "minutes", "sql": "prediction"}})
    loop = loop.model_copy(update={"gate": gate})
    (wrong,) = value.mistakes(loop, ["Label"])
    assert "give the column another name" in str(wrong)
