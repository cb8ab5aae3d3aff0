"""Snapshot: pin a revision of the data and a window, and compute the features to train on and to judge by.

A snapshot is a list of day files by hash: those of features lie where they are kept (lifecycle/feature_days), and are
shared by all trainings that see the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from ratchet.contract.loop import Loop
from ratchet.contract.part import Part
from ratchet.data import targets, windows
from ratchet.data.examples import Day, Examples
from ratchet.decisions.nights import night_of
from ratchet.errors import DataError
from ratchet.files import atomic, slug, write_text
from ratchet.lifecycle import contracts, dataset, feature_days, nights
from ratchet.lifecycle import examples as labelled
from ratchet.partitions import Partition, parse, shift
from ratchet.settings import Settings
from ratchet.steps import Key, Revision, StepRequest, StepResult

if TYPE_CHECKING:
    import pyarrow as pa


FILE = "manifest.json"
TRAIN, HOLDOUT = "train", "holdout"


class Manifest(Part):
    """What a snapshot is made of."""

    days: dict[str, tuple[Day, ...]]  # part -> its days
    proved: int  # rows whose features are proved
    data_hash: str  # of both parts

    def rows(self, part: str) -> int:
        """Count the rows of a part."""
        return sum(each.rows for each in self.days[part])


class SnapshotRequest(StepRequest):
    """Which data to pin."""

    run: Key = Field(description="The key of this training.")
    until: Partition = Field(
        default="", description="The latest partition that exists for it; by default the latest published."
    )
    revision: Revision = Field(default="", description="The state of the data registry; by default the newest.")


class SnapshotResult(StepResult):
    """What was pinned."""

    snapshot: str  # its name
    revision: str  # of the data registry
    train: str  # a closed range of days
    holdout: str  # a closed range of days
    train_rows: int  # with a known target
    holdout_rows: int  # with a known target
    data_hash: str  # of both parts
    proved: int = 0  # rows whose features were computed again from what was known when they were asked about
    contract: str = ""  # of the contract and SQL that the training lives by, from here on


def run(loop: Loop, request: SnapshotRequest) -> SnapshotResult:
    """Pin and compute once a run.

    A second call with the same run gives the same snapshot, whatever was published since. A training that a night has
    asked for knows what that night knew.
    """
    path, registry, taken = _pin(loop, request.run), dataset.registry(), ""
    if path.exists():
        known = SnapshotResult.model_validate_json(path.read_text(encoding="utf-8"))
        if _standing(loop, known.snapshot):
            return known.model_copy(update={"outcome": "unchanged"})
        loop, taken = contracts.pinned(registry, loop, known.contract), known.contract
        until = shift(parse(known.holdout)[-1], loop.label_delay_days)
        request = SnapshotRequest(run=request.run, revision=known.revision, until=until)
    night = night_of(request.run, registry.ledger(loop.name))
    revision = nights.revision(registry, loop, night, request.revision)
    train, holdout = windows.window(loop, dataset.published(registry, loop, revision), request.until)
    name = _name(loop, revision, train, holdout)
    manifest = _standing(loop, name) or _compute(loop, revision, train, holdout, folder(loop, name))
    result = SnapshotResult(
        reason=(
            f"{manifest.rows(TRAIN):,} rows of {train[0]}..{train[-1]} to train on, "
            f"{manifest.rows(HOLDOUT):,} rows of {holdout[0]}..{holdout[-1]} held out, from revision {revision[:10]}"
            f"; the features of {manifest.proved:,} proved"
        ),
        snapshot=name,
        revision=revision,
        train=f"{train[0]}..{train[-1]}",
        holdout=f"{holdout[0]}..{holdout[-1]}",
        train_rows=manifest.rows(TRAIN),
        holdout_rows=manifest.rows(HOLDOUT),
        data_hash=manifest.data_hash,
        proved=manifest.proved,
        contract=taken or contracts.take(loop),
    )
    write_text(path, result.model_dump_json())
    return result


def contract(loop: Loop, key: str) -> Loop:
    """Return the loop as its contract was when a training began; as it is now where that has no snapshot."""
    path = _pin(loop, key)
    if not path.exists():
        return loop
    known = SnapshotResult.model_validate_json(path.read_text(encoding="utf-8"))
    return contracts.pinned(dataset.registry(), loop, known.contract)


def pinned(loop: Loop, key: str) -> SnapshotResult:
    """Return what a run's snapshot step pinned, its features computed again if they were deleted. Raises DataError."""
    if not _pin(loop, key).exists():
        raise DataError(
            f"The run {key!r} of {loop.name} has no snapshot. Run: ratchet step snapshot --loop {loop.name} --run {key}"
        )
    return run(loop, SnapshotRequest(run=key))


def folder(loop: Loop, name: str) -> Path:
    """Say where a snapshot lies."""
    return Settings.current().snapshots / loop.name / name


def read(loop: Loop, name: str, part: str) -> pa.Table:
    """Read the `train` or `holdout` part of a snapshot into memory. Raises DataError."""
    return examples(loop, name, part).table()


def examples(loop: Loop, name: str, *parts: str) -> Examples:
    """Return parts of a snapshot, `train`, `holdout`, or both. Raises DataError where its files are not there."""
    found = _standing(loop, name)
    if found is None:
        raise DataError(
            f"The snapshot {name} of {loop.name}, or a file that it lists, is gone. Run the step snapshot again"
        )
    return _listed(loop, found, parts)


def _standing(loop: Loop, name: str) -> Manifest | None:
    """Return what a snapshot is made of; None where it is not there, or a file that it lists."""
    path = folder(loop, name) / FILE
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):  # or it is of another version, which kept rows
        return None
    return manifest if _listed(loop, manifest, manifest.days).there else None


def _listed(loop: Loop, manifest: Manifest, parts: Iterable[str]) -> Examples:
    return Examples(labelled.folder(loop), tuple(day for part in parts for day in manifest.days[part]))


def _pin(loop: Loop, key: str) -> Path:
    return Settings.current().snapshots / loop.name / "runs" / f"{slug(key)}.json"


def _name(loop: Loop, revision: str, train: list[str], holdout: list[str]) -> str:
    content: dict[str, Any] = {
        "revision": revision,
        "train": train,
        "holdout": holdout,
        "features": feature_days.recipe(loop),
        "task": loop.task,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{holdout[-1]}-{digest[:12]}"


def _compute(loop: Loop, revision: str, train: list[str], holdout: list[str], target: Path) -> Manifest:
    registry = dataset.registry()
    proved = feature_days.proved(registry, loop, revision, [*train, *holdout])
    every = labelled.of_days(registry, loop, revision, [*train, *holdout])
    days = {TRAIN: every.days[: len(train)], HOLDOUT: every.days[len(train) :]}
    if not all(sum(each.rows for each in part) for part in days.values()):
        raise targets.none_known(loop)
    manifest = Manifest(days=days, proved=proved, data_hash=every.digest)
    with atomic(target) as temporary:
        temporary.mkdir()
        write_text(temporary / FILE, manifest.model_dump_json(indent=1) + "\n")
    return manifest
