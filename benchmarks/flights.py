"""Models of 2013 and their losses, for the benchmarks.

Real flights, the loop's own features and trainer, one fit a night.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ratchet import catalog, partitions
from ratchet.data import features, targets
from ratchet.training import fit, intercept
from ratchet.training.intercept import Sums
from ratchet.training.metrics import row_losses
from ratchet.training.model import Model, load
from tests.given import flights

LOOP = "flight_delays"
CHUNK = 16  # days whose features a process computes at once
AHEAD = 60  # days that a model's losses are computed for at once; later ones when they are asked for
STORED = Path("build/models").resolve()  # a folder each; a model holds its trainer's module, which no process can send
SLICE = "EWR"  # the origin whose labels are shuffled in a damaged training: 37% of the flights


@dataclass(frozen=True, order=True)
class Fit:
    """A model to be made."""

    until: int  # the last day of its training; 0 is 1 January
    damaged: bool = False  # the labels of one origin are shuffled at training
    seed: int | None = None


@dataclass
class Year:
    """Feature rows of 2013, and the losses of models on the days after their training."""

    rows: pa.Table  # in order of days
    starts: np.ndarray  # the first row of each day
    losses: dict[Fit, np.ndarray] = field(default_factory=dict)
    models: dict[Fit, Path] = field(default_factory=dict)  # where each is stored
    _told: dict[tuple[Fit, int], np.ndarray] = field(default_factory=dict)
    _sums: dict[tuple[Fit, int], Sums] = field(default_factory=dict)

    def slice(self, first: int, last: int) -> pa.Table:
        """Return the rows of days first to last."""
        return self.rows.slice(self.starts[first], self.starts[last + 1] - self.starts[first])

    def loss(self, model: Fit, day: int) -> np.ndarray:
        """Return the row losses of a model on a day after its training."""
        assert day > model.until, f"{model} was trained on day {day}"
        offset = self.starts[model.until + 1]
        held = self.losses[model]
        if self.starts[day + 1] - offset > len(held):
            rest = self.rows.slice(offset + len(held))
            held = self.losses[model] = np.concatenate([held, _losses(load(self.models[model]), rest)])
        return held[self.starts[day] - offset : self.starts[day + 1] - offset]

    def told(self, model: Fit, day: int) -> np.ndarray:
        """Return the row losses of a model on a day as a loop would have been told: shifted by its intercept."""
        if (model, day) not in self._told:
            loop = catalog.load(LOOP)
            last = day - max(1, loop.label_delay_days)
            learnt = range(max(model.until + 1, last - loop.training.intercept_days + 1), last + 1)
            shift = intercept.learn(loop.task, [self._shown(model, each) for each in learnt])
            label, said = self._said(model, day)
            lost = row_losses(loop.loss, label, intercept.add(loop.task, said, shift)).astype(np.float32)
            self._told[model, day] = lost
        return self._told[model, day]

    def mean(self, model: Fit, day: int, *, told: bool = False) -> float:
        """Return the mean loss of a model on a day, as it was fitted or as a loop would have been told."""
        return float((self.told if told else self.loss)(model, day).mean())

    def _said(self, model: Fit, day: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labels and probabilities of a day: a log loss says which probability the label was given."""
        label = self.labels[self.starts[day] : self.starts[day + 1]]
        given = np.exp(-self.loss(model, day).astype(float))
        return label, np.where(label == 1, given, 1 - given)

    def _shown(self, model: Fit, day: int) -> Sums:
        if (model, day) not in self._sums:
            self._sums[model, day] = intercept.sums(catalog.load(LOOP), *self._said(model, day))
        return self._sums[model, day]

    @cached_property
    def labels(self) -> np.ndarray:
        """The labels of all rows."""
        found = self.rows.column(catalog.load(LOOP).target.name).to_numpy(zero_copy_only=False)
        return np.asarray(found, dtype=float)


def year() -> Year:
    """Make the features of 2013 from the package's files, as ingestion and snapshot would, on all cores."""
    days = partitions.parse("2013-01-01..2013-12-31")
    spans = [(days[at], days[min(at + CHUNK, len(days)) - 1]) for at in range(0, len(days), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        rows = pa.concat_tables(pool.map(_of_days, spans)).combine_chunks()
    dates = rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    index = (dates - np.datetime64("2013-01-01")).astype(int)
    return Year(rows, np.searchsorted(index, np.arange(366)))


def _of_days(span: tuple[str, str]) -> pa.Table:
    """Compute the labelled rows of days, each day alone as ever."""
    loop, (first, last) = catalog.load(LOOP), span
    begin = max("2013-01-01", partitions.shift(first, -loop.features.lookback_days))
    return targets.known(loop, features.compute(loop, flights.days(begin, last), first, last))


def train(held: Year, wanted: list[Fit], params: dict[str, Any] | None = None) -> None:
    """Fit the models on all cores, one thread each, and compute their losses."""
    STORED.mkdir(parents=True, exist_ok=True)
    rounds = {} if params else _rounds(held, sorted({_month(each.until) for each in wanted}))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.arrow"
        with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, held.rows.schema) as writer:
            writer.write_table(held.rows)
        with ProcessPoolExecutor(
            os.cpu_count(), mp_context=get_context("spawn"), initializer=_open, initargs=(str(path), held.starts)
        ) as pool:
            jobs = [(each, rounds.get(_month(each.until)), params) for each in sorted(wanted, reverse=True)]
            for each, (stored, losses) in zip(sorted(wanted, reverse=True), pool.map(_train, jobs), strict=True):
                held.models[each], held.losses[each] = stored, losses


def _month(day: int) -> int:
    """Return the last day of the month before: the number of rounds is found once a month, on what was known then."""
    date = dt.date(2013, 1, 1) + dt.timedelta(days=day + 1)
    return max(30, (date.replace(day=1) - dt.date(2013, 1, 1)).days - 1)


def _rounds(held: Year, days: list[int]) -> dict[int, int]:
    """Find after how many rounds to stop, as `ratchet.training.fit` does."""
    found = {}
    for day in days:
        found[day] = fit.search(catalog.load(LOOP), held.slice(0, day))[0] or 100
    return found


def _open(path: str, starts: np.ndarray) -> None:
    global _YEAR  # noqa: PLW0603 (a worker's own copy, read once)
    os.environ["OMP_NUM_THREADS"] = "1"
    _YEAR = Year(pa.ipc.open_file(pa.memory_map(path)).read_all(), starts)


def _train(job: tuple[Fit, int | None, dict[str, Any] | None]) -> tuple[Path, np.ndarray]:
    wanted, rounds, params = job
    loop = catalog.load(LOOP)
    table = _YEAR.slice(0, wanted.until)
    if wanted.damaged:
        labels = table.column(loop.target.name).to_numpy().copy()
        where = np.flatnonzero(table.column("origin").to_numpy(zero_copy_only=False) == SLICE)
        labels[where] = np.random.default_rng(wanted.until).permutation(labels[where])
        table = table.set_column(table.column_names.index(loop.target.name), loop.target.name, pa.array(labels))
    update: dict[str, Any] = {"seed": loop.training.seed if wanted.seed is None else wanted.seed}
    if params:
        update["params"] = {**loop.training.params, **params}
    loop = loop.model_copy(update={"training": loop.training.model_copy(update=update)})
    model, _ = fit.fit(loop, table, (rounds, None))
    ahead = _YEAR.slice(wanted.until + 1, min(364, wanted.until + AHEAD)) if wanted.until < 364 else table.slice(0, 0)
    stored = Path(tempfile.mkdtemp(dir=STORED))
    model.save(stored)
    return stored, _losses(model, ahead)


def _losses(model: Model, rows: pa.Table) -> np.ndarray:
    loop = catalog.load(LOOP)
    return row_losses(loop.loss, model.encoder.target_values(rows), model.predict(rows)).astype(np.float32)


_YEAR: Year
