"""The champion's own training data, as the monitor compares with it: a sample, and thresholds calibrated on it.

What `train` leaves and `drift` reads: `monitor/reference.parquet` and `monitor/thresholds.json` of a run.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ratchet.contract.loop import Loop
from ratchet.data import features, tables
from ratchet.monitoring.thresholds import alarms as count_alarms
from ratchet.monitoring.thresholds import calibrate, widened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ratchet.training.model import Model

SAMPLE = 20_000  # rows: a seeded sample of this size gave the verdicts of the whole; 5,000 flipped some
REFERENCE, THRESHOLDS = "monitor/reference.parquet", "monitor/thresholds.json"
EVIDENTLY = 0.1  # its own threshold of a column, whatever its size
PREDICTION = "prediction"


def make(loop: Loop, model: Model, rows: pa.Table) -> dict[str, bytes]:
    """Make the reference of a model from its training rows: file name -> content."""
    from pyarrow import parquet

    if rows.num_rows > SAMPLE:
        rows = rows.take(tables.drawn(rows.num_rows, SAMPLE, loop.training.seed))
    frame = columns(loop, model, rows)
    monitor = loop.monitor
    thresholds = calibrate(*_coded(frame, rows), monitor.window_days, monitor.alarms_per_year, loop.training.seed)
    import pyarrow as pa

    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), stream, compression="zstd")
    about = {"thresholds": thresholds, "window_days": monitor.window_days, "alarms_per_year": monitor.alarms_per_year}
    return {REFERENCE: stream.getvalue(), THRESHOLDS: json.dumps(about, indent=1).encode()}


def limits(about: Mapping[str, Any], days: int) -> dict[str, float]:
    """Return the thresholds for a window of which so many days came. about: the content of `thresholds.json`."""
    return widened(about["thresholds"], about["window_days"], days)


def alarms(
    loop: Loop, model: Model, rows: pa.Table, thresholds: Mapping[str, float], years: int
) -> dict[str, list[float]]:
    """Count the false alarms of unchanged years: under these thresholds, and under Evidently's defaults (0.1 a column).

    `evidently, any column` alarms where one column drifts, `evidently, dataset` where half of them do, which is its
    preset's default.
    """
    numbers, categories, days = _coded(columns(loop, model, rows), rows)
    defaults = dict.fromkeys(thresholds, EVIDENTLY)
    rules = {
        "calibrated": (thresholds, 0.0),
        "evidently, any column": (defaults, 0.0),
        "evidently, dataset": (defaults, 0.5),
    }
    found = count_alarms(numbers, categories, days, loop.monitor.window_days, rules, years, loop.training.seed)
    return {name: counts.tolist() for name, counts in found.items()}


def _coded(frame: pd.DataFrame, rows: pa.Table) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Return numbers, codes of categories, and each row's day, as `decisions.drift` takes them."""
    import numpy as np

    _, days = np.unique(rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    numbers, categories = kinds(frame)
    return (
        {name: frame[name].to_numpy(dtype=float) for name in numbers},
        {name: frame[name].astype("category").cat.codes.to_numpy().astype(np.int64) for name in categories},
        days.astype(np.int64),
    )


def columns(loop: Loop, model: Model, rows: pa.Table) -> pd.DataFrame:
    """Return what is watched: every feature, which of them are missing, and the prediction.

    Numbers are float; categories, and whether a number is missing (`<feature> is`), are strings. A number that is never
    missing in training has its column all the same, for one that begins to be missing is the commonest break of all.
    """
    import numpy as np
    import pandas as pd

    categorical, numeric = features.names(loop, rows.column_names)
    frame = pd.DataFrame()
    for name in numeric:
        frame[name] = rows.column(name).to_pandas().astype(float).to_numpy()
    for name in categorical:
        frame[name] = rows.column(name).to_pandas().astype(object).fillna("(null)").astype(str).to_numpy()
    for name in numeric:
        frame[f"{name} is"] = np.where(frame[name].isna(), "missing", "there")
    predicted = model.predict(rows)
    if predicted.ndim == 2:
        frame[PREDICTION] = np.array([*model.encoder.classes])[predicted.argmax(axis=1)] if len(predicted) else ""
    else:
        frame[PREDICTION] = predicted
    return frame


def kinds(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Split the watched columns into numbers and categories."""
    numbers = [str(name) for name in frame.columns if frame[name].dtype.kind == "f"]
    return numbers, [str(name) for name in frame.columns if name not in numbers]
