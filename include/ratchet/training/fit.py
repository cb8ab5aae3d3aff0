"""Fit a loop's model: on the training part of a snapshot, or on all labelled days where its recipe is refitted.

`python -m ratchet.training.fit SOURCE TARGET` does it apart: from a folder that training/manifest.py describes to a
folder with the model and what was measured, without registry, server or network. The step `train` calls the same.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ratchet import extensions
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.errors import RatchetError, TrainingError
from ratchet.files import atomic, write_text
from ratchet.training import encoding, manifest, trainers
from ratchet.training import model as models
from ratchet.training.manifest import Manifest
from ratchet.training.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

RESULT = "fit.json"  # beside the model: rows, seconds, and the losses after each round
Search = tuple[int | None, trainers.Curve | None]
WHOLE = 28  # days in whole months, from which on only these are searched
VALID_SHARE = 0.15  # of the days searched, the latest: they say when to stop, and are not in the holdout


def fit(loop: Loop, train: pa.Table, searched: Search | None = None) -> tuple[Model, trainers.Curve]:
    """Fit the loop's trainer. `train`: feature rows with a known target. Raises TrainingError.

    First is searched after how many rounds (trees, epochs) to stop; the model is then fitted on all days with so many.
    searched: what `search` gave for these rows, where that is known. The curve is that of the search.
    """
    about, trainer = _of_loop(loop, train)
    return _whole(about, trainer, train, searched)


def search(loop: Loop, train: pa.Table) -> Search:
    """Find the number of rounds with the least loss on the latest days, and the curve.

    Nothing where there are too few days.
    """
    about, trainer = _of_loop(loop, train)
    return _search(about, trainer, train)


def lay_out(loop: Loop, train: pa.Table, folder: Path) -> None:
    """Write all that a fit is made from into a new folder."""
    about, trainer = _of_loop(loop, train)
    own = Path(str(trainer.__file__)) if models.is_of_a_loop(trainer) else None
    manifest.write(folder, about, train, own)


def apart(source: Path, target: Path) -> tuple[Model, trainers.Curve, float]:
    """Fit what `source` holds into the new folder `target`; return the model, the curve and the seconds that it took.

    Raises DataError where `source` is not what was written, and TrainingError.
    """
    about, rows = manifest.read(source)
    trainer = models.trainer(about.trainer, source)
    started = time.monotonic()
    model, curve = _whole(about, trainer, rows, None)
    seconds = time.monotonic() - started
    with atomic(target) as temporary:
        model.save(temporary / "model")
        told = {"format": manifest.FORMAT, "rows": rows.num_rows, "seconds": seconds, **dataclasses.asdict(curve)}
        write_text(temporary / RESULT, json.dumps(told, indent=1) + "\n")
    return model, curve, seconds


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


def _of_loop(loop: Loop, train: pa.Table) -> tuple[Manifest, trainers.TrainerModule]:
    trainer = cast("trainers.TrainerModule", extensions.find("trainers", loop.training.trainer, loop.folder))
    return manifest.describe(loop, *features.names(loop, train.column_names)), trainer


def _whole(
    about: Manifest, trainer: trainers.TrainerModule, train: pa.Table, searched: Search | None
) -> tuple[Model, trainers.Curve]:
    rounds, curve = searched or _search(about, trainer, train)
    model, own = _fit(about, trainer, train, None, rounds)
    return model, curve or own


def _search(about: Manifest, trainer: trainers.TrainerModule, train: pa.Table) -> Search:
    early, late = split(train)
    if late is None:
        return None, None
    _, curve = _fit(about, trainer, early, late, None)
    return best(curve), curve


def _fit(
    about: Manifest, trainer: trainers.TrainerModule, early: pa.Table, late: pa.Table | None, rounds: int | None
) -> tuple[Model, trainers.Curve]:
    import numpy as np

    encoder = encoding.learn(about.task, about.target, [*about.categorical], [*about.numeric], early)
    job = trainers.Job(
        task=about.task,
        classes=max(len(encoder.classes), 2),
        cardinalities=encoder.cardinalities,
        seed=about.seed,
        device=about.device,
        rounds=rounds,
    )
    valid = encoder.arrays(late) if late is not None else None
    if valid is not None and about.task == "multiclass":
        known = valid.target >= 0
        valid = trainers.Arrays(valid.codes[known], valid.numbers[known], valid.target[known]) if known.any() else None
    estimator, curve = trainer.fit(trainer.Params.model_validate(about.params), job, encoder.arrays(early), valid)
    if not np.isfinite(curve.train).all():
        raise TrainingError("The training loss is not a number: training diverged. Lower training.params.learning_rate")
    return Model(about.trainer, encoder, estimator, trainer), curve


def main(arguments: list[str]) -> None:
    """Fit apart."""
    if len(arguments) != 2:
        sys.exit("usage: python -m ratchet.training.fit SOURCE TARGET")
    try:
        _, curve, seconds = apart(Path(arguments[0]), Path(arguments[1]))
    except RatchetError as error:
        sys.exit(str(error))
    print(f"{arguments[1]}: fitted in {seconds:.1f} s, {len(curve.train)} epochs or iterations")


if __name__ == "__main__":
    main(sys.argv[1:])
