"""What is known of a training that was evaluated: read from its record, for whoever judges it."""

from __future__ import annotations

import json

from ratchet.adapters import writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import evaluation
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.lifecycle import Training
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, records

FILE = "evaluation/evaluation.json"  # the copy with the MLflow run, for people
RECIPE = "ratchet.recipe"  # tag of a run, for people: hash of what its model is made by, its data aside


def keep(loop: Loop, run: str, text: str) -> None:
    """Keep the evaluation of a run among the loop's facts. Raises DataError where the run has no record."""

    def act(writer: Writer) -> None:
        records.amended(writer, loop, run, evaluation=writer.keep(loop.name, ".json", text))

    writing.change(dataset.registry(), act)


def text(loop: Loop, run: str) -> str:
    """Return a run's evaluation as it was written. Raises DataError where there is none."""
    found = records.read(loop, run)
    if not found.evaluation:
        raise DataError(
            f"The MLflow run {run} was not evaluated. Run: ratchet step evaluate --loop {loop.name} "
            f"--run {found.key or 'KEY'}"
        )
    return dataset.registry().fact(loop.name, found.evaluation)


def read(loop: Loop, run: str) -> Evaluation:
    """Return a run's evaluation. Raises DataError where there is none, or it does not fit."""
    return evaluation.parse(json.loads(text(loop, run)), run)


def training(loop: Loop, run: str) -> Training:
    """Return a training as it is judged. run: the MLflow run of its model."""
    record = records.read(loop, run)
    return Training(record.key, run, record.recipe, read(loop, run), minutes(loop, run))


def minutes(loop: Loop, *trained: str) -> float:
    """Return what trainings took, in minutes."""
    return sum(records.read(loop, run).seconds for run in trained) / 60
