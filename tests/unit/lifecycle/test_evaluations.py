"""What is known of a training that was evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import DataError
from ratchet.lifecycle import evaluations, records
from ratchet.lifecycle.records import Record
from tests.given.evaluations import training

LOOP = "wind"


def test_a_training_is_read_from_its_run(place: Path) -> None:
    given, loop = training("any", [0.1, -0.2], importance={"wind_now": 2.0}), catalog.load(LOOP)
    stored, run = json.dumps(given.evaluation.model_dump()), "1" * 32
    records.keep(loop, Record(run=run, key="first", recipe="recipe", seconds=90.0))
    evaluations.keep(loop, run, stored)
    found = evaluations.training(loop, run)
    assert evaluations.text(loop, run) == stored
    assert evaluations.read(loop, run) == given.evaluation
    assert (found.run, found.mlflow_run, found.recipe, found.minutes) == ("first", run, "recipe", 1.5)
    assert found.evaluation == given.evaluation
    assert found.evaluation.model_dump()["importance"] == {"wind_now": 2.0}


def test_what_was_never_evaluated_or_does_not_fit_is_named(place: Path) -> None:
    broken = {**training("any", []).evaluation.model_dump(), "latency_ms": "slow"}
    loop, run = catalog.load(LOOP), "2" * 32
    asks = (evaluations.text, evaluations.read, evaluations.training)
    for told in (f"has no record of the MLflow run {run}", f"{run} was not evaluated.*--run second"):
        for ask in asks:
            with pytest.raises(DataError, match=told):
                ask(loop, run)
        records.keep(loop, Record(run=run, key="second"))
    evaluations.keep(loop, run, json.dumps(broken))
    for ask in asks[1:]:
        with pytest.raises(DataError, match=rf"{run} .* latency_ms: .* ratchet step evaluate"):
            ask(loop, run)


def test_the_minutes_of_several_trainings_are_their_sum(place: Path) -> None:
    loop = catalog.load(LOOP)
    for run, seconds in (("a", 30.0), ("b", 60.0), ("c", 0.0)):
        records.keep(loop, Record(run=run, seconds=seconds))
    assert evaluations.minutes(loop, "a", "b", "c") == 1.5
    assert evaluations.minutes(loop) == 0.0
