"""What there was to know, and since when: a loop's feature rows, and verdicts, as they stood on each night.

A day that came late is unknown before it came, one that was corrected is seen uncorrected before that: the history is
parted into versions, within which no published day was changed (`known.py` says since when each delivery was known).
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ratchet.contract.loop import Loop
from ratchet.contract.resting import days_of_rest
from ratchet.data import features, tables
from ratchet.decisions import lifecycle, requests
from ratchet.decisions.coverage import Coverage, of_window
from ratchet.decisions.entries import Answered, ApprovalAsked, Asked, Entries, Judged, Paused, Resumed, only
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, feature_days
from ratchet.partitions import shift
from ratchet.replay.known import Delivery, deliveries, written

if TYPE_CHECKING:
    from ratchet.adapters.data_registry import Registry


@dataclass
class DataVersion:
    """Feature rows of all days published at a revision, in order of days, labelled ones and others."""

    loop: Loop
    path: Path  # the file that the rows are mapped from
    targets: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False)  # by the classes of a model
    _keys: dict[str, list[tuple[object, ...]]] = field(default_factory=dict, repr=False)  # of a day's rows

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
            write_text(known, json.dumps({day: tables.ordered_hash(self.between(day, day)) for day in self.days}))
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

    def keys(self, day: str) -> list[tuple[object, ...]]:
        """Return the keys of a day's rows."""
        if day not in self._keys:
            rows = self.between(day, day)
            columns = [rows.column(name).to_pylist() for name in self.loop.main_table.key]
            self._keys[day] = list(zip(*columns, strict=True))
        return self._keys[day]

    def content(self, first: str, last: str) -> str:
        """Hash the rows of the days first..last."""
        chosen = [day for day in self.days if first <= day <= last]
        return hashlib.sha256("".join(f"{day}{self.digests[day]}" for day in chosen).encode()).hexdigest()


@dataclass(frozen=True)
class Heard:
    """What a person has said to the admission, or answered about a challenger."""

    night: str  # the first that hears it
    place: int  # of its commit, among all of the registry
    said: Answered | Asked | Paused | Resumed | None
    run: str = ""  # of the training that the answer is about
    answer: Mapping[str, Any] | None = None


@dataclass
class History:
    """A loop's past."""

    loop: Loop
    nights: list[str]  # those whose day came in time: it is scored, and looked at
    versions: list[tuple[str, DataVersion]]  # with the first night of each
    deliveries: list[Delivery] = field(default_factory=list)  # oldest first
    heard: list[Heard] = field(default_factory=list)  # from people, oldest first
    _known: dict[str, dict[str, Delivery]] = field(default_factory=dict, repr=False)

    def at(self, night: str) -> DataVersion:
        """Return the rows as they stood on a night."""
        return self.versions[max(0, bisect.bisect_right([first for first, _ in self.versions], night) - 1)][1]

    @property
    def now(self) -> DataVersion:
        """The rows as they stand now."""
        return self.versions[-1][1]

    def newest(self, night: str) -> dict[str, Delivery]:
        """Return the newest delivery of each day, as known on a night."""
        if night not in self._known:
            self._known[night] = {each.day: each for each in self.deliveries if each.known <= night}
        return self._known[night]

    def counts(self, night: str) -> dict[str, int]:
        """Count the rows to predict of each day, as known on a night."""
        return {day: each.rows for day, each in self.newest(night).items() if each.status == "accepted"}

    def refused(self, night: str) -> dict[str, str]:
        """Return the days whose newest delivery was refused, as known on a night: day -> why."""
        return {day: each.reason for day, each in self.newest(night).items() if each.status == "rejected"}

    def bad(self, night: str) -> dict[str, str]:
        """Return the bad data of a night's window."""
        return requests.bad_data(self.newest(night), night, self.loop.monitor.window_days)

    def coverage(self, night: str) -> Coverage:
        """Say how much of a night's window is there."""
        window = self.loop.monitor.window_days
        resting = days_of_rest(self.loop.schedule, shift(night, 1 - window), night)
        published = [day for day in self.at(night).days if day <= night]
        return of_window(published, self.newest(night), resting, night, window)

    def again(self, after: str, until: str) -> set[str]:
        """Return the days that came again, or late, as first known on the nights after `after`, up to `until`."""
        return {each.day for each in self.deliveries if each.again and after < each.known <= until}


def of_rows(loop: Loop, rows: pa.Table, cache: Path) -> History:
    """Make a history of feature rows, in order of days, that were never corrected."""
    path = cache / "rows.arrow"
    _write(rows, path)
    data = DataVersion(loop, path)
    came = [
        Delivery("", day, day, "accepted", "", data.bounds(day, day)[1] - data.bounds(day, day)[0], False)
        for day in data.days
    ]
    return History(loop, data.days, [("", data)], came)


def read(loop: Loop, cache: Path) -> History:
    """Read a loop's history from the data registry. Raises DataError where nothing is published."""
    registry = dataset.registry()
    came = deliveries(registry, loop)
    if not any(each.status == "accepted" for each in came):
        raise DataError(f"Nothing of {loop.name} is published: there is no past to replay. Ingest some days first")
    versions = [(first, _rows(registry, loop, at, cache)) for first, at in _revisions(came)]
    nights = sorted({each.day for each in came if each.status == "accepted" and each.known <= each.day})
    return History(loop, nights, versions, came, _heard(registry.ledger(loop.name), written(registry, loop.name), came))


def _heard(entries: Entries, places: Sequence[int], came: Sequence[Delivery]) -> list[Heard]:
    """List what people have said and answered; a question that was never answered is heard on no night.

    Where it was written down before nights were, it is heard on the night of the next delivery.
    """
    found = []
    for entry, place in zip(entries, places, strict=True):
        following = next((each.known for each in came if each.place > place), "9999")
        if isinstance(entry, Asked | Paused | Resumed):
            found.append(Heard(entry.night or following, place, entry))
        elif isinstance(entry, Answered):
            about = lifecycle.approval(entry)
            found.append(Heard(entry.night or following, place, entry, entry.run, about))
        elif isinstance(entry, Judged) and entry.approval and not lifecycle.answered(entries, entry.evaluated):
            night = entry.approval.get("night") or following
            found.append(Heard(night, place, None, entry.run, entry.approval))
    asked = {entry.run for entry in only(entries, ApprovalAsked)} - {each.run for each in found}
    return [*found, *(Heard("9999", 0, None, run, {}) for run in sorted(asked))]


def _revisions(came: Sequence[Delivery]) -> list[tuple[str, str]]:
    """Part the history where a day came again, or late.

    Returns (first night, revision) of each data version, oldest first.
    """
    accepted = [each for each in came if each.status == "accepted"]
    firsts = ["", *sorted({each.known for each in accepted if each.again})]
    found = []
    for first, following in zip(firsts, [*firsts[1:], "9999"], strict=True):
        before = [each.revision for each in accepted if each.known < following]
        if before:
            found.append((first, before[-1]))
    return found


def _rows(registry: Registry, loop: Loop, revision: str, cache: Path) -> DataVersion:
    """Compute the features at a revision once, and map them into memory."""
    days = dataset.published(registry, loop, revision)
    tree = registry.content_id(f"{loop.name}/data", revision)
    about = f"{tree} {feature_days.recipe(loop)} {loop.task}"
    path = cache / f"rows-{hashlib.sha256(about.encode()).hexdigest()[:16]}.arrow"
    if not path.exists():
        _write(feature_days.of_range(registry, loop, revision, days[0], days[-1]), path)
    return DataVersion(loop, path)


def _write(rows: pa.Table, path: Path) -> None:
    """Write rows as an Arrow file that processes share by mapping it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with pa.OSFile(str(part), "wb") as stream, pa.ipc.new_file(stream, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    part.replace(path)
