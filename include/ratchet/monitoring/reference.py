"""The champion's own training data, as the monitor compares with it.

What `train` leaves and `drift` reads: `monitor/counts.json`, the counts of all rows; `monitor/thresholds.json`,
calibrated on them day by day; and `monitor/reference.parquet`, a sample for Evidently's page.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.monitoring import distances, histograms, watched
from ratchet.monitoring.distances import ColumnDrift
from ratchet.monitoring.histograms import Cells, Counted, Levels
from ratchet.monitoring.thresholds import alarms as count_alarms
from ratchet.monitoring.thresholds import calibrate, widened

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

SAMPLE = 20_000  # rows of the sample
REFERENCE, COUNTS, THRESHOLDS = "monitor/reference.parquet", "monitor/counts.json", "monitor/thresholds.json"
EVIDENTLY = 0.1  # its own threshold of a column, whatever its size


@dataclass(frozen=True)
class Reference:
    """What a window is compared with: counts of all days together, and the content of `thresholds.json`."""

    counted: Counted
    about: Mapping[str, Any]

    @property
    def growing(self) -> tuple[str, ...]:
        """Columns that only grow with time, or fall; they are held to no threshold."""
        return tuple(self.about.get("growing", ()))

    def limits(self, days: int) -> dict[str, float]:
        """Return the thresholds for a window of which so many days came."""
        return widened(self.about["thresholds"], self.about["window_days"], days, self.about.get("days", 0))


def make(loop: Loop, model: Model, few: pa.Table, days: Iterable[pa.Table]) -> dict[str, bytes]:
    """Make the reference of a model from its training rows: file name -> content.

    few: a sample of them, from which cells are cut. days: all of them, each day whole within one table.
    """
    sample = watched.columns(loop, model, few)
    return files(loop, sample, counts(loop, model, sample, days))


def files(loop: Loop, sample: pa.Table, counted: Counted) -> dict[str, bytes]:
    """Calibrate thresholds, and return what is stored: file name -> content. sample, counted: as of `counts`."""
    monitor = loop.monitor
    found = calibrate(counted, monitor.window_days, monitor.alarms_per_year, loop.training.seed)
    about = {
        "thresholds": found.thresholds,
        "growing": found.growing,
        "window_days": monitor.window_days,
        "alarms_per_year": monitor.alarms_per_year,
        "days": max((len(each.rows) for each in counted.values()), default=0),
    }
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(watched.plain(sample), stream, compression="zstd")
    return {
        REFERENCE: stream.getvalue(),
        COUNTS: json.dumps({name: _dumped(each.total()) for name, each in counted.items()}).encode(),
        THRESHOLDS: json.dumps(about, indent=1).encode(),
    }


def counts(loop: Loop, model: Model, sample: pa.Table, days: Iterable[pa.Table]) -> dict[str, Cells | Levels]:
    """Count all training rows, a row a day. sample: what is watched of a few of them, from which cells are cut."""
    cuts = _cuts(sample)
    return histograms.joined(
        [
            histograms.count([*watched.by_day(rows, watched.columns(loop, model, rows)).values()], cuts)
            for rows in days
            if rows.num_rows
        ]
    )


def sampled(loop: Loop, rows: pa.Table) -> pa.Table:
    """Draw the sample of a reference, by the loop's seed."""
    return rows.take(tables.drawn(rows.num_rows, SAMPLE, loop.training.seed)) if rows.num_rows > SAMPLE else rows


def read(file: Callable[[str], bytes], stored: Iterable[str]) -> Reference:
    """Read what `make` has made. file: reads one by its name. stored: the names of those that there are.

    Of a champion that was trained before all rows were counted there is the sample alone.
    """
    about = json.loads(file(THRESHOLDS))
    if COUNTS in stored:
        return Reference({name: _loaded(each) for name, each in json.loads(file(COUNTS)).items()}, about)
    from pyarrow import parquet

    sample = watched.coded(parquet.read_table(io.BytesIO(file(REFERENCE))))
    return Reference(histograms.count([sample], _cuts(sample)), about)


def judged(
    loop: Loop, model: Model, past: Reference, rows: pa.Table, came: int, again: Callable[[], pa.Table]
) -> list[ColumnDrift]:
    """Hold a window's rows to the reference. came: how many days they are of. again: reads the training rows."""
    cuts = {name: each.cuts for name, each in past.counted.items() if isinstance(each, Cells)}
    current = watched.columns(loop, model, rows)

    @cache
    def theirs() -> pa.Table:
        return watched.columns(loop, model, again())

    return distances.judged(
        histograms.count([current], cuts),
        past.counted,
        past.limits(came),
        lambda name: distances.values(_values(current, name), _values(theirs(), name)),
    )


def alarms(loop: Loop, counted: Counted, thresholds: Mapping[str, float], years: int) -> dict[str, list[float]]:
    """Count the false alarms of unchanged years: under these thresholds, and under Evidently's defaults (0.1 a column).

    counted: the reference's, a row a day. `evidently, any column` alarms where one column drifts, `evidently, dataset`
    where half of them do, which is its preset's default.
    """
    defaults = dict.fromkeys(counted, EVIDENTLY)
    rules = {
        "calibrated": (thresholds, 0.0),
        "evidently, any column": (defaults, 0.0),
        "evidently, dataset": (defaults, 0.5),
    }
    found = count_alarms(counted, loop.monitor.window_days, rules, years, loop.training.seed)
    return {name: nights.tolist() for name, nights in found.items()}


def _cuts(sample: pa.Table) -> dict[str, NDArray[np.float64]]:
    return {name: histograms.cuts(_values(sample, name)) for name in watched.kinds(sample)[0]}


def _values(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = table.column(name).to_numpy()
    return values


def _dumped(each: Cells | Levels) -> dict[str, Any]:
    rows = [int(n) for n in each.rows[0]]
    if isinstance(each, Levels):
        return {"levels": dict(zip(each.levels, rows, strict=True))}
    ends = {"low": each.low, "high": each.high} if sum(rows) else {}
    return {"cuts": each.cuts.tolist(), "rows": rows, "sums": each.sums[0].tolist(), "squares": each.squares[0], **ends}


def _loaded(told: Mapping[str, Any]) -> Cells | Levels:
    import numpy as np

    if "levels" in told:
        return Levels(tuple(told["levels"]), np.array([[*told["levels"].values()]], dtype=float))
    cuts, rows, sums = (np.array(told[name], dtype=float) for name in ("cuts", "rows", "sums"))
    low, high = told.get("low", np.nan), told.get("high", np.nan)
    return Cells(cuts, rows[None, :], sums[None, :], np.array([told["squares"]]), low, high)
