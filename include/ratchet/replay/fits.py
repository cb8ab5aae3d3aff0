"""Models of a replay: fitted by the code that production runs, once a content.

They are kept with what they predict of the days after. A fit's name is a hash of its recipe, its rows, and all else
that it depends on (`keys.py`), so that policies, and replays, share it.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.contract.loop import Loop
from ratchet.data.targets import known
from ratchet.decisions import duel, shadows
from ratchet.decisions.duel import Cluster
from ratchet.errors import TrainingError
from ratchet.files import atomic, write_text
from ratchet.monitoring import estimate
from ratchet.partitions import shift
from ratchet.replay import keys
from ratchet.replay.data import DataVersion
from ratchet.training import baseline, evaluation, intercept, model, recipe, too_good, value
from ratchet.training.baseline import Baseline
from ratchet.training.evaluation import Side
from ratchet.training.fit import Search, fit, search, searched_until
from ratchet.training.intercept import Shift, Sums
from ratchet.training.value import Measure

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

AHEAD = 60  # days after its training that a fit predicts at once; later ones when they are asked for
WAITED = 7  # days that most wait for their duel: they and the holdout before are predicted at once too
PROBED = 50  # rows that a model's latency is measured with


@dataclass
class Fitted:
    """A fitted model."""

    first: str  # the first day it was trained on ...
    until: str  # ... and the last
    name: str  # a hash of its recipe and rows
    folder: Path  # where it lies
    about: dict[str, Any]  # what was measured at its fit
    data: DataVersion = field(repr=False)
    _said: dict[str, Vector] = field(default_factory=dict, repr=False)
    _sums: dict[tuple[str, str], Sums] = field(default_factory=dict, repr=False)
    _shifts: dict[tuple[str, ...], Shift] = field(default_factory=dict, repr=False)
    _losses: dict[tuple[str, str, str, Shift], Vector] = field(default_factory=dict, repr=False)

    @property
    def trained(self) -> str:
        """The days it was trained on, as first..last."""
        return f"{self.first}..{self.until}"

    @cached_property
    def model(self) -> model.Model:
        """Load the model."""
        return model.load(self.folder / "model")

    @cached_property
    def baseline(self) -> Baseline | None:
        """Return the baseline that was trained with it."""
        told = self.about["baseline"]
        return Baseline.model_validate(told) if told else None

    @cached_property
    def plain(self) -> Plain | None:
        """Return its baseline as a fit that may stand for a version, or in shadow."""
        if self.baseline is None:
            return None
        about = {"baseline": self.about["baseline"], "classes": [*self.baseline.classes], "seconds": 0.0}
        name = shadows.baseline(self.name)
        return Plain(self.baseline.first, self.baseline.until, name, self.folder, about, self.data)

    def answers(self, data: DataVersion, day: str) -> Vector:
        """Return what it answers of a day's rows, labelled or not, as it was fitted."""
        digest = data.digests[day]
        if digest not in self._said:
            kept = self.about["ahead"].get(digest)
            if kept is None:
                self._said[digest] = self.model.predict(data.between(day, day))
            else:
                ahead = np.load(self.folder / "ahead.npy", mmap_mode="r")
                self._said[digest] = ahead[kept[0] : kept[1]].astype(float)
        return self._said[digest]

    def sums(self, data: DataVersion, day: str) -> Sums:
        """Return what a day's labelled rows have shown of it."""
        key = (data.loop.learnt_loss, data.digests[day])
        if key not in self._sums:
            target = targets(data, self, day, day)
            known = np.isfinite(target)
            self._sums[key] = intercept.sums(data.loop, target[known], self.answers(data, day)[known])
        return self._sums[key]

    def shift(self, data: DataVersion, day: str) -> Shift:
        """Return what its answers of a day are shifted by."""
        loop = data.loop
        most, delay = loop.training.intercept_days, loop.label_delay_days
        learnt = intercept.learnt_from(data.days, self.until, day, delay, most) if most else []
        key = (loop.learnt_loss, *(data.digests[each] for each in learnt))
        if key not in self._shifts:
            self._shifts[key] = intercept.learn(loop.task, [self.sums(data, each) for each in learnt])
        return self._shifts[key]

    def predict(self, data: DataVersion, day: str) -> Vector:
        """Return what it predicts of a day's rows, labelled or not."""
        return intercept.add(data.loop.task, self.answers(data, day), self.shift(data, day))

    def whole(self, data: DataVersion, first: str, last: str) -> Vector:
        """Return what it predicts of all rows of the days first..last."""
        return np.concatenate([self.predict(data, day) for day in data.days if first <= day <= last])

    def side(self, data: DataVersion, day: str, *, fitted: bool = False) -> Side:
        """Return target and prediction of a day's labelled rows. fitted: as it was fitted, without a shift."""
        target = targets(data, self, day, day)
        known = np.isfinite(target)
        said = self.answers(data, day) if fitted else self.predict(data, day)
        return Side(known, target[known], said[known], tuple(self.about["classes"]))

    def losses(self, data: DataVersion, day: str, measure: Measure = value.losses) -> Vector:
        """Return the losses of a day's labelled rows; or what they cost, where that is the measure."""
        key = (measure.__name__, data.loop.measured_in, data.digests[day], self.shift(data, day))
        if key not in self._losses:
            said = self.side(data, day)
            rows = partial(labelled, data, day, day, said.rows)
            self._losses[key] = measure(data.loop, said.target, said.prediction, rows, said.classes)
        return self._losses[key]


class Plain(Fitted):
    """A baseline beside fits: it predicts the same of all rows, and has no model."""

    def answers(self, data: DataVersion, day: str) -> Vector:
        """Return what it answers of a day's rows, labelled or not, as it was learnt."""
        assert self.baseline is not None
        begin, end = data.bounds(day, day)
        return self.baseline.predict(end - begin)


class Fits:
    """The models of a loop's replays, in a folder that processes share."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self.loop = loop
        self.folder = folder / "fits"
        self.recipe = recipe.name(loop)
        self._held: dict[str, Fitted] = {}
        self._compared: dict[tuple[str, str, Shift, str, Shift, str], list[Cluster]] = {}

    def name(self, data: DataVersion, first: str, until: str) -> str:
        """Name a fit by its content."""
        return f"{until}-{keys.fit(self.loop, data, first, until)}"

    def get(self, data: DataVersion, first: str, until: str) -> Fitted:
        """Return a fit, made now if it was never made. Raises TrainingError, the same each time."""
        name = self.name(data, first, until)
        if name not in self._held:
            folder = self.folder / name
            if not (folder / "about.json").exists():
                with _locked(self.folder / f".{name}.lock"):
                    if not (folder / "about.json").exists():
                        self._make(data, first, until, folder)
            about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
            self._held[name] = Fitted(first, until, name, folder, about, data)
        if error := self._held[name].about.get("error"):
            raise TrainingError(error)
        return self._held[name]

    def _make(self, data: DataVersion, first: str, until: str, target: Path) -> None:
        begun, loop = time.monotonic(), self.loop
        with atomic(target) as folder:
            folder.mkdir()
            about: dict[str, Any] = {"first": first, "until": until, "classes": [], "ahead": {}}
            try:
                rows = known(loop, data.between(first, until))
                searched, seconds = self._search(data, first, until, rows)
                fitted, _ = fit(loop, rows, searched)
            except TrainingError as error:
                about["error"] = str(error)
            else:
                about |= {
                    "seconds": time.monotonic() - begun + seconds,
                    "rows": rows.num_rows,
                    "classes": list(fitted.encoder.classes),
                }
                fitted.save(folder / "model")
                about["size_mb"] = (
                    sum(file.stat().st_size for file in (folder / "model").rglob("*") if file.is_file()) / 1e6
                )
                about |= evaluation.probe(loop, fitted, rows.slice(max(0, rows.num_rows - PROBED)))
                about["signature"] = evaluation.signature(fitted)
                plain = baseline.learn(loop, data.labels(first, until))
                about["baseline"] = plain.model_dump() if plain else None
                _ahead(fitted, data, until, about, folder)
            (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")

    def _search(self, data: DataVersion, first: str, until: str, rows: pa.Table) -> tuple[Search, float]:
        """Search the rounds once for all fits that search the same days.

        Return also the seconds that this call did not spend.
        """
        last = searched_until([day for day in data.days if first <= day <= until])
        path = self.folder / f"rounds-{self.name(data, first, last)}.json"
        with _locked(path.with_suffix(".lock")):
            if path.exists():
                known = json.loads(path.read_text(encoding="utf-8"))
                return (known["rounds"], None), known["seconds"]
            begun = time.monotonic()
            rounds, _ = search(self.loop, rows)
            write_text(path, json.dumps({"rounds": rounds, "seconds": time.monotonic() - begun}))
        return (rounds, None), 0.0

    def leaks(self, data: DataVersion, first: str, last: str) -> list[too_good.Finding]:
        """Return the features that know the target on the labelled rows of first..last, found once a content."""
        path = self.folder / f"too-good-{self.name(data, first, last)}.json"
        if not path.exists():
            rows = known(self.loop, data.between(first, last))
            write_text(path, json.dumps(too_good.of_features(self.loop, rows)))
        return list(json.loads(path.read_text(encoding="utf-8")))

    def compare(
        self, data: DataVersion, day: str, rival: Fitted, champion: Fitted, other: DataVersion | None = None
    ) -> list[Cluster]:
        """Return a day's cluster of the two; none where no row of it has a label.

        other: the data by which the champion has predicted; by default the rival's. The day's rows are the same.
        """
        theirs = other or data
        sides = (rival.name, rival.shift(data, day), champion.name, champion.shift(theirs, day))
        key = (data.loop.measured_in, *sides, data.digests[day])
        if key not in self._compared:
            losses = rival.losses(data, day), champion.losses(theirs, day)
            self._compared[key] = duel.cluster([day] * len(losses[0]), *losses)
        return self._compared[key]


def calibrator(loop: Loop, side: Side) -> dict[str, list[list[float]]]:
    """Learn, on a holdout, what a fit's predictions come true for."""
    return estimate.calibrate(loop.task, side.target, side.prediction)


def labelled(data: DataVersion, first: str, last: str, known: NDArray[np.bool_]) -> pa.Table:
    """Return those rows of the days first..last that are known to have a label."""
    return data.between(first, last).filter(known)


def _ahead(fitted: model.Model, data: DataVersion, until: str, about: dict[str, Any], folder: Path) -> None:
    """Predict, in one go, the latest days of the training and those after it.

    On the former a refit is laid beside the evaluated model, whose holdout ended some days before where it has waited.
    """
    first, last = shift(until, 1 - data.loop.training.holdout_days - WAITED), shift(until, AHEAD)
    days = [day for day in data.days if first <= day <= last]
    if not days:
        return
    said = fitted.predict(data.between(days[0], days[-1]))
    np.save(folder / "ahead.npy", said)
    offset = data.bounds(days[0], days[0])[0]
    for day in days:
        begin, end = data.bounds(day, day)
        about["ahead"][data.digests[day]] = [begin - offset, end - offset]


def targets(data: DataVersion, fitted: Fitted, first: str, last: str) -> Vector:
    """Return the target of the rows of days first..last as a number, NaN where it is not known.

    Of a class that the model has never seen, -1.
    """
    return data.targets(first, last, tuple(fitted.about["classes"]) if data.loop.task == "multiclass" else ())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time make a fit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
