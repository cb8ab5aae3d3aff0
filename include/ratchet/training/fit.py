"""Fit a loop's model on the training part of a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.data import features
from ratchet.errors import TrainingError
from ratchet.loop import Loop
from ratchet.training import encoding, trainers
from ratchet.training.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

VALID_SHARE = 0.15  # of the training days, the latest: they stop the training early, and are not in the holdout


def fit(loop: Loop, train: pa.Table) -> tuple[Model, trainers.Curve]:
    """Fit the loop's trainer. `train`: feature rows with a known target. Raises TrainingError."""
    import numpy as np

    early, late = split(train)
    categorical, numeric = features.names(loop, train.column_names)
    encoder = encoding.learn(loop.task, loop.target.name, categorical, numeric, early)
    trainer = trainers.find(loop.training.trainer)
    job = trainers.Job(
        task=loop.task,
        classes=max(len(encoder.classes), 2),
        cardinalities=encoder.cardinalities,
        seed=loop.training.seed,
        device=loop.training.device,
    )
    valid = encoder.arrays(late) if late is not None else None
    if valid is not None and loop.task == "multiclass":
        known = valid.target >= 0
        valid = trainers.Arrays(valid.codes[known], valid.numbers[known], valid.target[known]) if known.any() else None
    arrays = encoder.arrays(early)
    estimator, curve = trainer.fit(trainer.Params.model_validate(loop.training.params), job, arrays, valid)
    if not np.isfinite(curve.train).all():
        raise TrainingError("The training loss is not a number: training diverged. Lower training.params.learning_rate")
    return Model(loop.training.trainer, encoder, estimator), curve


def split(train: pa.Table) -> tuple[pa.Table, pa.Table | None]:
    """Part the latest days from the rest, for early stopping; None where there are fewer than four days."""
    import pyarrow.compute as pc

    days = sorted(pc.unique(train.column(features.PARTITION)).to_pylist())
    if len(days) < 4:
        return train, None
    first = days[-max(1, round(VALID_SHARE * len(days)))]
    late = pc.greater_equal(train.column(features.PARTITION), first)
    return train.filter(pc.invert(late)), train.filter(late)
