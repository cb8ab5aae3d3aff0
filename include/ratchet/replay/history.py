"""What there was to know, and since when: a loop's feature rows as they stood on each night.

A delivery that was corrected later is seen uncorrected on the nights before its correction: the history is parted into
versions, within which no published day was changed.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ratchet.contract.loop import Loop
from ratchet.data import features, tables
from ratchet.decisions import requests
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset
from ratchet.partitions import shift

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Registry


@dataclass
class DataVersion:
    """Feature rows of all days published at a revision, in order of days, labelled ones and others."""

    loop: Loop
    path: Path  # the file that the rows are mapped from
    targets: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False)  # by the classes of a model

    @cached_property
    def rows(self) -> pa.Table:
        """Map the rows into memory."""
        return pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()

    @cached_property
    def days(self) -> list[str]:
        """The days that have rows, in order."""
        return [str(day) for day in self._parts[0]]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Return a hash of each day's rows."""
        known = self.path.with_suffix(".json")
        if not known.exists():
            write_text(known, json.dumps({day: tables.content_hash(self.between(day, day)) for day in self.days}))
        return dict(json.loads(known.read_text(encoding="utf-8")))

    @cached_property
    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        days = self.rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str)
        found, starts = np.unique(days, return_index=True)
        return found, np.append(starts, len(days))

    def bounds(self, first: str, last: str) -> tuple[int, int]:
        """Return the range of rows of the days first..last."""
        starts = self._parts[1]
        return int(starts[bisect.bisect_left(self.days, first)]), int(starts[bisect.bisect_right(self.days, last)])

    def between(self, first: str, last: str) -> pa.Table:
        """Return the rows of the days first..last."""
        begin, end = self.bounds(first, last)
        return self.rows.slice(begin, end - begin)

    def content(self, first: str, last: str) -> str:
        """Hash the rows of the days first..last."""
        chosen = [day for day in self.days if first <= day <= last]
        return hashlib.sha256("".join(f"{day}{self.digests[day]}" for day in chosen).encode()).hexdigest()


@dataclass
class History:
    """A loop's past."""

    loop: Loop
    nights: list[str]
    counts: dict[str, int]  # day -> rows to predict
    versions: list[tuple[str, DataVersion]]  # with the first night of each
    bad: dict[str, dict[str, str]] = field(default_factory=dict)  # night -> refused days, and why

    def at(self, night: str) -> DataVersion:
        """Return the rows as they stood on a night."""
        return self.versions[max(0, bisect.bisect_right([first for first, _ in self.versions], night) - 1)][1]

    @property
    def now(self) -> DataVersion:
        """The rows as they stand now."""
        return self.versions[-1][1]


def of_rows(loop: Loop, rows: pa.Table, cache: Path) -> History:
    """Make a history of feature rows, in order of days, that were never corrected."""
    path = cache / "rows.arrow"
    _write(rows, path)
    data = DataVersion(loop, path)
    counts = {day: data.bounds(day, day)[1] - data.bounds(day, day)[0] for day in data.days}
    return History(loop, data.days, counts, [("", data)])


def read(loop: Loop, cache: Path) -> History:
    """Read a loop's history from the data registry. Raises DataError where nothing is published."""
    registry = dataset.registry()
    revision = registry.resolve("HEAD")
    nights = dataset.published(registry, loop, revision)
    if not nights:
        raise DataError(f"Nothing of {loop.name} is published: there is no past to replay. Ingest some days first")
    published = _first_published(registry, loop)
    versions = [
        (first, _rows(registry, loop, at, cache)) for first, at in _revisions(registry, loop, published, revision)
    ]
    verdicts, window = registry.verdicts(loop.name), loop.monitor.window_days
    bad = {night: found for night in nights if (found := requests.bad_data(verdicts, shift(night, 1 - window), night))}
    return History(loop, nights, dataset.counts(registry, loop, revision), versions, bad)


def _first_published(registry: Registry, loop: Loop) -> list[tuple[str, list[str], list[str]]]:
    """Return the commits to a loop's data, oldest first: revision, days that it added, days that it changed."""
    text = registry.git(
        "log", "--reverse", "--format=%x00%H", "--name-status", "--no-renames", "--", f"{loop.name}/data"
    )
    found = []
    for block in text.split("\0")[1:]:
        revision, *lines = [line for line in block.splitlines() if line.strip()]
        added: set[str] = set()
        changed: set[str] = set()
        for line in lines:
            status, path = line.split("\t")
            day = Path(path).name.partition(".")[0]
            if len(day) == 10:
                (added if status == "A" else changed).add(day)
        found.append((revision, sorted(added - changed), sorted(changed)))
    return found


def _revisions(
    registry: Registry, loop: Loop, commits: list[tuple[str, list[str], list[str]]], head: str
) -> list[tuple[str, str]]:
    """Part the history where published days were changed.

    Returns (first night, revision) of each data version, oldest first.
    """
    found: list[tuple[str, str]] = []
    first, before, latest = "", "", ""
    for revision, added, changed in commits:
        if changed and latest and before:
            found.append((first, before))
            first = shift(latest, 1)
        latest = max([latest, *added])
        before = revision
    found.append((first, head))
    return sorted(dict(found).items())  # corrections with no night between them are one


def _rows(registry: Registry, loop: Loop, revision: str, cache: Path) -> DataVersion:
    """Compute the features at a revision once, and map them into memory."""
    days = dataset.published(registry, loop, revision)
    sql = (loop.folder / loop.features.sql).read_text(encoding="utf-8")
    tree = registry.git("rev-parse", f"{revision}:{loop.name}/data").strip()
    contract = loop.model_dump_json(include={"tables", "target", "features", "task"})
    path = cache / f"rows-{hashlib.sha256((tree + sql + contract).encode()).hexdigest()[:16]}.arrow"
    if not path.exists():
        _write(dataset.features(registry, loop, revision, days[0], days[-1]), path)
    return DataVersion(loop, path)


def _write(rows: pa.Table, path: Path) -> None:
    """Write rows as an Arrow file that processes share by mapping it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with pa.OSFile(str(part), "wb") as stream, pa.ipc.new_file(stream, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    part.replace(path)
