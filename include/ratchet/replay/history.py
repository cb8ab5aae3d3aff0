"""What there was to know, and since when: a loop's feature rows, and verdicts, as they stood on each night.

A day that came late is unknown before it came, one that was corrected is seen uncorrected before that: the history is
parted into versions, within which no published day was changed (`known.py` says since when each delivery was known).
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from ratchet.contract.loop import Loop
from ratchet.contract.resting import days_of_rest
from ratchet.data.known import PARTITION
from ratchet.decisions import lifecycle, requests
from ratchet.decisions.coverage import Coverage, of_window
from ratchet.decisions.entries import Answered, ApprovalAsked, Asked, Entries, Judged, Paused, Resumed, only
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset, examples, feature_days
from ratchet.partitions import shift
from ratchet.replay import data
from ratchet.replay.data import DataVersion
from ratchet.replay.known import Delivery, deliveries, written

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.data_registry import Registry

DAYS = "days"  # below a cache, where the files of days lie


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
    files = {}
    for day in pc.unique(rows.column(PARTITION)).to_pylist():
        files[day] = data.write(day, rows.filter(pc.equal(rows.column(PARTITION), day)), cache / DAYS)
    version = DataVersion(loop, files)
    counts = {day: version.between(day, day).num_rows for day in version.days}
    came = [Delivery("", day, day, "accepted", "", count, False) for day, count in counts.items()]
    return History(loop, version.days, [("", version)], came)


def read(loop: Loop, cache: Path) -> History:
    """Read a loop's history from the data registry. Raises DataError where nothing is published."""
    registry = dataset.registry()
    came = deliveries(registry, loop)
    if not any(each.status == "accepted" for each in came):
        raise DataError(f"Nothing of {loop.name} is published: there is no past to replay. Ingest some days first")
    known = cache / f"{DAYS}.json"
    names = dict(json.loads(known.read_text(encoding="utf-8"))) if known.exists() else {}
    versions = [(first, _version(registry, loop, at, cache / DAYS, names)) for first, at in _revisions(came)]
    write_text(known, json.dumps(names))
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


def _version(registry: Registry, loop: Loop, revision: str, folder: Path, known: dict[str, str]) -> DataVersion:
    """Compute the rows of the days that are others than in the versions before, and map all into memory.

    known: of the days of other versions, the name of what they are made of -> their file; it is added to.
    """
    days = dataset.published(registry, loop, revision)
    of = examples.named(registry, loop, revision, days)
    names = {day: feature_days.hash_of([loop.task, of[day]]) for day in days}
    if missing := [day for day, name in names.items() if not (name in known and (folder / known[name]).exists())]:
        asked = days if loop.main_table.repeated_key == "update" else missing  # whose latest row of a key stands
        rows = feature_days.of_days(registry, loop, revision, asked)
        for day in missing:
            own = rows.filter(pc.equal(rows.column(PARTITION), day))
            known[names[day]] = data.write(day, own, folder).name
    return DataVersion(loop, {day: folder / known[name] for day, name in names.items()})
