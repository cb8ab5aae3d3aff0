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
from ratchet.errors import OutOfMemory, RatchetError, TrainingError
from ratchet.files import atomic, write_text
from ratchet.training import encoding, manifest, memory, trainers
from ratchet.training import model as models
from ratchet.training.manifest import Manifest
from ratchet.training.model import Model

if TYPE_CHECKING:
    import pyarrow as pa

RESULT = "fit.json"  # beside the model: rows, seconds, and the losses after each round
Search = tuple[int | None, trainers.Curve | None]
WHOLE = 28  # days in whole months, from which on only these are searched
TOLD = 10**9  # bytes that a trainer needs, from which on it is said
VALID_SHARE = 0.15  # of the days searched, the latest: they say when to stop, and are not in the holdout


def fit(loop: Loop, train: pa.Table, searched: Search | None = None) -> tuple[Model, trainers.Curve]:
    """Fit the loop's trainer. `train`: feature rows with a known target. Raises TrainingError.

    First is searched after how many rounds (trees, epochs) to stop; the model is then fitted on all days with so many.
    searched: what `search` gave for these rows, where that is known. The curve is that of the search.
    """
    about, trainer = _of_loop(loop, train.column_names)
    return _whole(about, trainer, train, searched)


def search(loop: Loop, train: pa.Table) -> Search:
    """Find the number of rounds with the least loss on the latest days, and the curve.

    Nothing where there are too few days.
    """
    about, trainer = _of_loop(loop, train.column_names)
    return _search(about, trainer, train)


def lay_out(loop: Loop, train: pa.RecordBatchReader, folder: Path) -> None:
    """Write all that a fit is made from into a new folder."""
    about, trainer = _of_loop(loop, train.schema.names)
    own = Path(str(trainer.__file__)) if models.is_of_a_loop(trainer) else None
    manifest.write(folder, about, train, own)


def apart(source: Path, target: Path) -> tuple[Model, trainers.Curve, float]:
    """Fit what `source` holds into the new folder `target`; return the model, the curve and the seconds that it took.

    The rows stay on the disk, and so do they once they are encoded: a trainer that takes them in batches learns from
    more than memory holds. Raises DataError where `source` is not what was written, OutOfMemory where the trainer needs
    more memory than there is, and TrainingError.
    """
    about, rows = manifest.read(source)
    trainer = models.trainer(about.trainer, source)
    _weigh(about, trainer, rows)
    started = time.monotonic()
    model, curve = _whole(about, trainer, rows, None, source)
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
    return _only(train, pc.less(column, first)), _only(train, within)


def _only(rows: pa.Table, chosen: pa.ChunkedArray) -> pa.Table:
    """Return the chosen rows; those of days in their order lie together and are not copied."""
    import numpy as np

    places = np.flatnonzero(chosen.to_numpy())
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return rows.slice(places[0], len(places))
    return rows.filter(chosen)


def _of_loop(loop: Loop, columns: list[str]) -> tuple[Manifest, trainers.TrainerModule]:
    trainer = cast("trainers.TrainerModule", extensions.find("trainers", loop.training.trainer, loop.folder))
    return manifest.describe(loop, *features.names(loop, columns)), trainer


def _weigh(about: Manifest, trainer: trainers.TrainerModule, train: pa.Table) -> None:
    """Say what memory a trainer needs that holds all rows. Raises OutOfMemory where there is less."""
    import pyarrow.compute as pc

    needs = getattr(trainer, "needs", None)
    if needs is None:
        return
    classes = pc.count_distinct(train.column(about.target)).as_py() if about.task == "multiclass" else 1
    rows, features, free = train.num_rows, len(about.categorical) + len(about.numeric), memory.free()
    try:
        need = int(needs(trainer.Params.model_validate(about.params), rows, features, classes))
    except (TypeError, ValueError) as error:
        raise TrainingError(
            f"{trainer.__file__}: needs(params, rows, features, classes) shall return bytes: {error}. Mend it"
        ) from error
    told = (
        f"{about.trainer} holds all rows in memory: {need / 1e9:.1f} GB for {rows:,} rows of {features} features, "
        f"and {free / 1e9:.1f} GB are free"
    )
    if need > free:
        raise OutOfMemory(
            f"{told}. Shorten training.window, give the step more memory, or name a trainer that reads its rows from "
            "disk (training.trainer: torch_mlp)"
        )
    if need > TOLD:
        print(told, file=sys.stderr, flush=True)


def _whole(
    about: Manifest,
    trainer: trainers.TrainerModule,
    train: pa.Table,
    searched: Search | None,
    scratch: Path | None = None,
) -> tuple[Model, trainers.Curve]:
    rounds, curve = searched or _search(about, trainer, train, scratch)
    model, own = _fit(about, trainer, train, None, rounds, scratch)
    return model, curve or own


def _search(about: Manifest, trainer: trainers.TrainerModule, train: pa.Table, scratch: Path | None = None) -> Search:
    early, late = split(train)
    if late is None:
        return None, None
    _, curve = _fit(about, trainer, early, late, None, scratch)
    return best(curve), curve


def _fit(
    about: Manifest,
    trainer: trainers.TrainerModule,
    early: pa.Table,
    late: pa.Table | None,
    rounds: int | None,
    scratch: Path | None,
) -> tuple[Model, trainers.Curve]:
    """Fit. scratch: a folder in which encoded rows lie meanwhile; None: in memory."""
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
    valid = encoder.arrays(late, scratch) if late is not None else None
    if valid is not None and about.task == "multiclass":
        known = valid.target >= 0
        if not known.all():
            kept = trainers.Arrays(valid.codes[known], valid.numbers[known], valid.target[known])
            valid = kept if known.any() else None
    params, train = trainer.Params.model_validate(about.params), encoder.arrays(early, scratch)
    estimator, curve = trainer.fit(params, job, train, valid)
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
