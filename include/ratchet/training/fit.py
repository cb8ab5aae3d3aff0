"""Fit a loop's model: on the training part of a snapshot, or on all labelled days where its recipe is refitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.data import features
from ratchet.errors import TrainingError
from ratchet.loop import Loop
from ratchet.training import encoding, trainers
from ratchet.training.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

VALID_SHARE = 0.15  # of the training days, the latest: they say when to stop, and are not in the holdout


def fit(loop: Loop, train: pa.Table) -> tuple[Model, trainers.Curve]:
    """Fit the loop's trainer. `train`: feature rows with a known target. Raises TrainingError.

    The latest days first say after how many rounds (trees, epochs) to stop; the model is then fitted on all days with so many.
    The curve is that of the first fit.
    """
    early, late = split(train)
    if late is None:
        return _fit(loop, early, None, None)
    _, curve = _fit(loop, early, late, None)
    model, _ = _fit(loop, train, None, best(curve))
    return model, curve


def best(curve: trainers.Curve) -> int | None:
    """Give the number of rounds with the least validation loss; None where nothing was held back."""
    return curve.valid.index(min(curve.valid)) + 1 if curve.valid else None


def split(train: pa.Table) -> tuple[pa.Table, pa.Table | None]:
    """Part the latest days from the rest, for early stopping; None where there are fewer than four days."""
    import pyarrow.compute as pc

    days = sorted(pc.unique(train.column(features.PARTITION)).to_pylist())
    if len(days) < 4:
        return train, None
    first = days[-max(1, round(VALID_SHARE * len(days)))]
    late = pc.greater_equal(train.column(features.PARTITION), first)
    return train.filter(pc.invert(late)), train.filter(late)


def _fit(loop: Loop, early: pa.Table, late: pa.Table | None, rounds: int | None) -> tuple[Model, trainers.Curve]:
    import numpy as np

    categorical, numeric = features.names(loop, early.column_names)
    encoder = encoding.learn(loop.task, loop.target.name, categorical, numeric, early)
    trainer = trainers.find(loop.training.trainer)
    job = trainers.Job(
        task=loop.task,
        classes=max(len(encoder.classes), 2),
        cardinalities=encoder.cardinalities,
        seed=loop.training.seed,
        device=loop.training.device,
        rounds=rounds,
    )
    valid = encoder.arrays(late) if late is not None else None
    if valid is not None and loop.task == "multiclass":
        known = valid.target >= 0
        valid = trainers.Arrays(valid.codes[known], valid.numbers[known], valid.target[known]) if known.any() else None
    estimator, curve = trainer.fit(trainer.Params.model_validate(loop.training.params), job, encoder.arrays(early), valid)
    if not np.isfinite(curve.train).all():
        raise TrainingError("The training loss is not a number: training diverged. Lower training.params.learning_rate")
    return Model(loop.training.trainer, encoder, estimator), curve
