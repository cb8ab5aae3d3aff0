"""A stored evaluation: what fits is frozen, what does not is told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ratchet.decisions.evaluation import parse
from ratchet.errors import DataError
from tests.given.evaluations import training


def test_an_evaluation_is_frozen_and_keeps_what_it_does_not_know() -> None:
    stored = {**training("new", [0.1]).evaluation.model_dump(), "importance": {"temp": 0.5}}
    found = parse(stored, "new")
    assert found.model_dump()["importance"] == {"temp": 0.5}
    with pytest.raises(ValidationError):
        found.champion = "2"  # type: ignore[misc]


@pytest.mark.parametrize(("field", "value"), [("challenger_loss", "good"), ("days", None), ("compared", [["d", 1]])])
def test_one_that_does_not_fit_names_run_and_field(field: str, value: object) -> None:
    stored = {**training("new", [0.1]).evaluation.model_dump(), field: value}
    with pytest.raises(DataError, match=f"the run new .*{field}"):
        parse(stored, "new")


def test_one_that_lacks_a_field_is_none() -> None:
    stored = training("new", [0.1]).evaluation.model_dump()
    del stored["champion"]
    with pytest.raises(DataError, match="champion"):
        parse(stored, "new")


def test_one_of_before_there_were_baselines_has_none() -> None:
    found = training("new", [0.1]).evaluation
    assert (found.baseline, found.baseline_loss, found.baseline_words, found.too_few) == (None, None, "", {})
    told = {**found.model_dump(), "baseline": [["d", 7, -0.5, 0]], "baseline_loss": 0.5, "too_few": {"rows": "on 7"}}
    assert parse(told, "new").baseline == (("d", 7, -0.5, 0),)


def test_the_default_bound_is_of_what_was_known_before() -> None:
    found = training("new", [0.1], champion_loss=0.5, baseline_loss=0.7).evaluation
    assert found.scale == 0.5  # of an evaluation that does not say what was usual
    assert found.model_copy(update={"usual_loss": 0.6}).scale == 0.6
