"""Turn feature tables into arrays, the same way at training and at prediction."""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ratchet.contract.loop import Task
from ratchet.errors import DataError, storage_errors
from ratchet.training.trainers import Arrays

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK = 262_144  # rows that are encoded at once
MOST_CATEGORIES = 250  # scikit-learn's histograms take 255 categories; the rarest share code 0 with the unknown


class Encoder(BaseModel):
    """What was learnt from the training rows about how to encode any row; stored beside the model as JSON."""

    model_config = ConfigDict(frozen=True)

    task: Task
    target: str
    vocabularies: dict[str, tuple[str, ...]]
    numbers: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    classes: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """Names of the features, in the order of the columns."""
        return [*self.vocabularies, *self.numbers]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Codes of each category, the unknown's 0 included."""
        return tuple(len(words) + 1 for words in self.vocabularies.values())

    def inputs(self, table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Encode features: codes int64 (n, c), standardised numbers float32 (n, m) with NaN for null."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        missing = [name for name in self.features if name not in table.column_names]
        if missing:
            raise DataError(
                f"The features lack {', '.join(missing)}, which the model was trained on. Mend features.sql, or retrain"
            )
        codes = np.zeros((table.num_rows, len(self.vocabularies)), dtype=np.int64)
        for i, (name, words) in enumerate(self.vocabularies.items()):
            found = pc.index_in(table.column(name).cast(pa.string()), value_set=pa.array(words, pa.string()))
            codes[:, i] = pc.fill_null(found, -1).to_numpy().astype(np.int64) + 1
        numbers = np.empty((table.num_rows, len(self.numbers)), dtype=np.float32)
        for i, name in enumerate(self.numbers):
            column = table.column(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            numbers[:, i] = (column - self.means[i]) / self.deviations[i]
        numbers[~np.isfinite(numbers)] = np.nan
        return codes, numbers

    def target_values(self, table: pa.Table) -> NDArray[np.float64]:
        """Encode the target (n,): a class index, or the value. A class that training has not seen is -1."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        column = table.column(self.target)
        if self.task == "multiclass":
            found = pc.index_in(column.cast(pa.string()), value_set=pa.array(self.classes, pa.string()))
            return np.asarray(pc.fill_null(found, -1).to_numpy().astype(np.float64))
        values = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
        if self.task == "binary" and not np.isin(values, (0.0, 1.0)).all():
            raise DataError(
                f"target.sql of a binary loop must give 0, 1, true, false or null; "
                f"found {values.min()} to {values.max()}"
            )
        return values

    def arrays(self, table: pa.Table, scratch: Path | None = None) -> Arrays:
        """Encode features and target. scratch: a folder in whose disk the arrays lie; None: in memory."""
        import numpy as np

        rows, numbers = table.num_rows, len(self.numbers)
        codes = _room((rows, len(self.vocabularies)), np.int64, scratch)
        found = Arrays(codes, _room((rows, numbers), np.float32, scratch), _room((rows,), np.float64, scratch))
        for start in range(0, rows, BLOCK):
            block = table.slice(start, BLOCK)
            found.codes[start : start + BLOCK], found.numbers[start : start + BLOCK] = self.inputs(block)
            found.target[start : start + BLOCK] = self.target_values(block)
        return found


def learn(task: Task, target: str, categorical: list[str], numeric: list[str], table: pa.Table) -> Encoder:
    """Learn vocabularies, means and deviations from the training rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    vocabularies = {}
    for name in categorical:
        counts = _counted(table.column(name))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_CATEGORIES]
        vocabularies[name] = tuple(sorted(ranked))
    told = [_told(table.column(name)) for name in numeric]
    means, deviations = [mean for mean, _ in told], [deviation or 1.0 for _, deviation in told]
    classes: tuple[str, ...] = ()
    if task == "multiclass":
        classes = tuple(sorted(pc.unique(table.column(target).cast(pa.string())).to_pylist()))
    known: dict[str, Any] = {"vocabularies": vocabularies, "numbers": tuple(numeric)}
    return Encoder(task=task, target=target, means=tuple(means), deviations=tuple(deviations), classes=classes, **known)


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    """Count the rows of each category, a block at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = Counter[str]()
    for start in range(0, len(column), BLOCK):
        block = pc.value_counts(column.slice(start, BLOCK).cast(pa.string()).drop_null())
        found.update(dict(zip(block.field("values").to_pylist(), block.field("counts").to_pylist(), strict=True)))
    return found


def _told(column: pa.ChunkedArray) -> tuple[float, float]:
    """Return mean and deviation of the finite values, a block at a time; 0 and 0 where there is none.

    Blocks are put together as in Chan, Golub, LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing
    Sample Variances", section 2.
    """
    import numpy as np
    import pyarrow as pa

    count, mean, variance = 0, 0.0, 0.0
    for start in range(0, len(column), BLOCK):
        values = column.slice(start, BLOCK).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        finite = values[np.isfinite(values)]
        if not len(finite):
            continue
        own, spread, new = float(finite.mean()), float(finite.var()), len(finite)
        if count:
            far, ahead = own - mean, count + new
            spread = (variance * count + spread * new + far**2 * count * new / ahead) / ahead
            own = mean + far * new / ahead
        mean, variance, count = own, spread, count + new
    return mean, math.sqrt(variance)


def _room(shape: tuple[int, ...], kind: Any, scratch: Path | None) -> NDArray[Any]:
    """Make room for an array: on the disk, from where it is read as it is needed, under no name that could stay.

    All of it is taken at once: a disk that is full only when a page is written ends the process without a word.
    """
    import numpy as np

    if scratch is None or 0 in shape:
        return np.empty(shape, kind)
    with storage_errors(scratch), tempfile.TemporaryFile(dir=scratch) as file:
        os.posix_fallocate(file.fileno(), 0, math.prod(shape) * np.dtype(kind).itemsize)
        return np.asarray(np.memmap(file, kind, "r+", shape=shape))
