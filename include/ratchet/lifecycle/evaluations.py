"""What is known of a training that was evaluated: read from its MLflow run, for whoever judges it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ratchet.adapters import runs
from ratchet.decisions import evaluation
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.lifecycle import Training

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

FILE = "evaluation/evaluation.json"
RECIPE = "ratchet.recipe"  # tag of a run: hash of what its model is made by, its data aside


def text(client: Tracking, run: str) -> str:
    """Return a run's evaluation as it is stored. Raises DataError where there is none."""
    return runs.read_file(client, run, FILE).decode()


def read(client: Tracking, run: str) -> Evaluation:
    """Return a run's evaluation. Raises DataError where there is none, or it does not fit."""
    return evaluation.parse(json.loads(text(client, run)), run)


def training(client: Tracking, run: str) -> Training:
    """Return a training as it is judged. run: the MLflow run of its model."""
    tags = client.tags(run)
    return Training(tags[runs.KEY], run, tags[RECIPE], read(client, run), minutes(client, run))


def minutes(client: Tracking, *trained: str) -> float:
    """Return what trainings took, in minutes."""
    return float(sum(client.metrics(run).get("train_seconds", 0.0) for run in trained)) / 60
