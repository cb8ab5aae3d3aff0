"""Turn feature tables into arrays, the same way at training and at prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ratchet.contract.loop import Task
from ratchet.errors import DataError
from ratchet.training.trainers import Arrays

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

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
            column = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
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

    def arrays(self, table: pa.Table) -> Arrays:
        """Encode features and target."""
        return Arrays(*self.inputs(table), self.target_values(table))


def learn(task: Task, target: str, categorical: list[str], numeric: list[str], table: pa.Table) -> Encoder:
    """Learn vocabularies, means and deviations from the training rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    vocabularies = {}
    for name in categorical:
        counts = pc.value_counts(table.column(name).cast(pa.string()).drop_null()).to_pylist()
        ranked = sorted(counts, key=lambda pair: (-pair["counts"], pair["values"]))[:MOST_CATEGORIES]
        vocabularies[name] = tuple(sorted(pair["values"] for pair in ranked))
    means, deviations = [], []
    for name in numeric:
        values = table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        finite = values[np.isfinite(values)]
        means.append(float(finite.mean()) if len(finite) else 0.0)
        deviations.append(float(finite.std()) or 1.0 if len(finite) else 1.0)
    classes: tuple[str, ...] = ()
    if task == "multiclass":
        classes = tuple(sorted(pc.unique(table.column(target).cast(pa.string())).to_pylist()))
    known: dict[str, Any] = {"vocabularies": vocabularies, "numbers": tuple(numeric)}
    return Encoder(task=task, target=target, means=tuple(means), deviations=tuple(deviations), classes=classes, **known)
