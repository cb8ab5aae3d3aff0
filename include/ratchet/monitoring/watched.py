"""What is watched of rows: every feature, which of them are missing, and the prediction.

A number that is never missing in training has its column `<feature> is` all the same, for one that begins to be missing
is the commonest break of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.data import features

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

PREDICTION = "prediction"
THERE, MISSING, NULL = "there", "missing", "(null)"


def columns(loop: Loop, model: Model, rows: pa.Table) -> pa.Table:
    """Return the watched columns of feature rows, a row each.

    Numbers are float64 without nulls, NaN where they are missing or infinite; categories are dictionaries of strings.
    """
    import numpy as np
    import pyarrow as pa

    categorical, numeric = features.names(loop, rows.column_names)
    found: dict[str, pa.Array] = {}
    for name in numeric:
        found[name] = pa.array(_finite(rows.column(name)))
    for name in categorical:
        found[name] = _levels(rows.column(name))
    for name in numeric:
        absent = np.isnan(found[name].to_numpy(zero_copy_only=False)).astype(np.int32)
        found[f"{name} is"] = pa.DictionaryArray.from_arrays(pa.array(absent), pa.array([THERE, MISSING]))
    predicted = model.predict(rows)
    if predicted.ndim == 2:
        classes = pa.array([*model.encoder.classes], pa.string())
        chosen = pa.array(predicted.argmax(axis=1) if len(predicted) else [], pa.int32())
        found[PREDICTION] = pa.DictionaryArray.from_arrays(chosen, classes)
    else:
        found[PREDICTION] = pa.array(predicted.astype(float))
    return pa.table(found)


def kinds(table: pa.Table) -> tuple[list[str], list[str]]:
    """Split the watched columns into numbers and categories, by name."""
    import pyarrow as pa

    numbers = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    return numbers, [name for name in table.column_names if name not in numbers]


def plain(table: pa.Table) -> pa.Table:
    """Return watched columns with their categories as strings, as they are stored and as Evidently takes them."""
    import pyarrow as pa

    return table.cast(
        pa.schema([f.with_type(pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema])
    )


def coded(table: pa.Table) -> pa.Table:
    """Return what `plain` gave with its categories as dictionaries again, and a missing number as NaN."""
    import pyarrow as pa

    numbers, _ = kinds(table)
    return pa.table(
        {
            name: pa.array(_finite(table.column(name))) if name in numbers else _levels(table.column(name))
            for name in table.column_names
        }
    )


def by_day(rows: pa.Table, watched: pa.Table) -> dict[str, pa.Table]:
    """Part what is watched by the rows' days, in order of days. rows: of `watched`, in the same order."""
    import numpy as np

    days, codes = np.unique(rows.column(features.PARTITION).to_numpy(zero_copy_only=False), return_inverse=True)
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        watched, codes = watched.take(order), codes[order]
    starts = np.searchsorted(codes, np.arange(len(days) + 1))
    return {str(day): watched.slice(low, high - low) for day, low, high in zip(days, starts, starts[1:], strict=False)}


def _finite(column: pa.ChunkedArray) -> NDArray[np.float64]:
    import numpy as np
    import pyarrow as pa

    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # beyond 2^53 the nearest will do
    return np.where(np.isfinite(values), values, np.nan)


def _levels(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a category as a dictionary of strings, `(null)` where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(column.cast(pa.string()), NULL).combine_chunks().dictionary_encode()
