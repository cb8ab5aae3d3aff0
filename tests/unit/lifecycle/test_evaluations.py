"""What is known of a training that was evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet.adapters import runs
from ratchet.errors import DataError
from ratchet.lifecycle import evaluations
from tests.given.evaluations import training

TAGS = {evaluations.RECIPE: "recipe"}


def test_a_training_is_read_from_its_run(tracked: Path) -> None:
    given = training("any", [0.1, -0.2], importance={"wind_now": 2.0})
    stored = json.dumps(given.evaluation.model_dump())
    with runs.connected() as client:
        run = runs.start_run(client, "wind_evaluations", "first", TAGS).run_id
        runs.log_files(client, run, {evaluations.FILE: stored})
        runs.log_metrics(client, run, {"train_seconds": 90.0})
        found = evaluations.training(client, run)
        assert evaluations.text(client, run) == stored
        assert evaluations.read(client, run) == given.evaluation
    assert (found.run, found.mlflow_run, found.recipe, found.minutes) == ("first", run, "recipe", 1.5)
    assert found.evaluation == given.evaluation
    assert found.evaluation.model_dump()["importance"] == {"wind_now": 2.0}


def test_what_was_never_evaluated_or_does_not_fit_is_named(tracked: Path) -> None:
    broken = {**training("any", []).evaluation.model_dump(), "latency_ms": "slow"}
    with runs.connected() as client:
        run = runs.start_run(client, "wind_evaluations", "second", TAGS).run_id
        for ask in (evaluations.text, evaluations.read, evaluations.training):
            with pytest.raises(DataError, match=run):
                ask(client, run)
        runs.log_files(client, run, {evaluations.FILE: json.dumps(broken)})
        for ask in (evaluations.read, evaluations.training):
            with pytest.raises(DataError, match=rf"{run} .* latency_ms: .* ratchet step evaluate"):
                ask(client, run)


def test_the_minutes_of_several_trainings_are_their_sum(tracked: Path) -> None:
    with runs.connected() as client:
        taken = []
        for key, seconds in (("a", 30.0), ("b", 60.0)):
            taken.append(runs.start_run(client, "wind_minutes", key, TAGS).run_id)
            runs.log_metrics(client, taken[-1], {"train_seconds": seconds})
        taken.append(runs.start_run(client, "wind_minutes", "never trained", TAGS).run_id)
        assert evaluations.minutes(client, *taken) == 1.5
        assert evaluations.minutes(client) == 0.0
