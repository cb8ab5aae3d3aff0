"""Fit a loop's model: on the training part of a snapshot, or on all labelled days where its recipe is refitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ratchet import extensions
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
from ratchet.training.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

Search = tuple[int | None, trainers.Curve | None]
WHOLE = 28  # days in whole months, from which on only these are searched
VALID_SHARE = 0.15  # of the days searched, the latest: they say when to stop, and are not in the holdout


def fit(loop: Loop, train: pa.Table, searched: Search | None = None) -> tuple[Model, trainers.Curve]:
    """Fit the loop's trainer. `train`: feature rows with a known target. Raises TrainingError.

    First is searched after how many rounds (trees, epochs) to stop; the model is then fitted on all days with so many.
    searched: what `search` gave for these rows, where that is known. The curve is that of the search.
    """
    rounds, curve = searched or search(loop, train)
    model, own = _fit(loop, train, None, rounds)
    return model, curve or own


def search(loop: Loop, train: pa.Table) -> Search:
    """Find the number of rounds with the least loss on the latest days, and the curve.

    Nothing where there are too few days.
    """
    early, late = split(train)
    if late is None:
        return None, None
    _, curve = _fit(loop, early, late, None)
    return best(curve), curve


def best(curve: trainers.Curve) -> int | None:
    """Return the number of rounds with the least validation loss; None where nothing was held back."""
    return curve.valid.index(min(curve.valid)) + 1 if curve.valid else None


def searched_until(days: list[str]) -> str:
    """Return the last of the days that are searched.

    Whole months, where there are any, so that a night more changes no rounds.
    """
    whole = [day for day in days if day < f"{days[-1][:7]}-01"]
    return whole[-1] if len(whole) >= WHOLE else days[-1]


def split(train: pa.Table) -> tuple[pa.Table, pa.Table | None]:
    """Part the latest days that are searched from those before; None where there are fewer than four days."""
    import pyarrow.compute as pc

    column = train.column(features.PARTITION)
    days = sorted(pc.unique(column).to_pylist())
    if len(days) < 4:
        return train, None
    last = searched_until(days)
    days = [day for day in days if day <= last]
    first = days[-max(1, round(VALID_SHARE * len(days)))]
    within = pc.and_(pc.greater_equal(column, first), pc.less_equal(column, last))
    return train.filter(pc.less(column, first)), train.filter(within)


def _fit(loop: Loop, early: pa.Table, late: pa.Table | None, rounds: int | None) -> tuple[Model, trainers.Curve]:
    import numpy as np

    categorical, numeric = features.names(loop, early.column_names)
    encoder = encoding.learn(loop.task, loop.target.name, categorical, numeric, early)
    trainer = cast("trainers.TrainerModule", extensions.find("trainers", loop.training.trainer, loop.folder))
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
    estimator, curve = trainer.fit(
        trainer.Params.model_validate(loop.training.params), job, encoder.arrays(early), valid
    )
    if not np.isfinite(curve.train).all():
        raise TrainingError("The training loss is not a number: training diverged. Lower training.params.learning_rate")
    return Model(loop.training.trainer, encoder, estimator, trainer), curve
