"""Snapshot: pin a revision of the data and a window, and compute the features to train on and to judge by."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.contract.loop import Loop
from ratchet.data import features, tables, targets, windows
from ratchet.decisions.nights import night_of
from ratchet.errors import DataError
from ratchet.files import atomic, slug, write_text
from ratchet.lifecycle import contracts, dataset, feature_days, nights
from ratchet.partitions import Partition, parse, shift
from ratchet.settings import Settings
from ratchet.steps import Key, Revision, StepRequest, StepResult

if TYPE_CHECKING:
    import pyarrow as pa


class SnapshotRequest(StepRequest):
    """Which data to pin."""

    run: Key  # the key of this training
    until: Partition = ""  # the latest partition that exists for it; by default the latest published
    revision: Revision = ""  # of the data registry; by default the newest


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
        if folder(loop, known.snapshot).is_dir():
            return known.model_copy(update={"outcome": "unchanged"})
        loop, taken = contracts.pinned(registry, loop, known.contract), known.contract
        until = shift(parse(known.holdout)[-1], loop.label_delay_days)
        request = SnapshotRequest(run=request.run, revision=known.revision, until=until)
    night = night_of(request.run, registry.ledger(loop.name))
    revision = nights.revision(registry, loop, night, request.revision)
    train, holdout = windows.window(loop, dataset.published(registry, loop, revision), request.until)
    name = _name(loop, revision, train, holdout)
    if not folder(loop, name).is_dir():
        _compute(loop, revision, train, holdout, folder(loop, name))
    manifest = json.loads((folder(loop, name) / "manifest.json").read_text(encoding="utf-8"))
    result = SnapshotResult(
        reason=(
            f"{manifest['train_rows']:,} rows of {train[0]}..{train[-1]} to train on, "
            f"{manifest['holdout_rows']:,} rows of {holdout[0]}..{holdout[-1]} held out, from revision {revision[:10]}"
            f"; the features of {manifest.get('proved', 0):,} proved"
        ),
        snapshot=name,
        revision=revision,
        train=f"{train[0]}..{train[-1]}",
        holdout=f"{holdout[0]}..{holdout[-1]}",
        contract=taken or contracts.take(loop),
        **manifest,
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
    """Read the `train` or `holdout` part of a snapshot. Raises DataError."""
    return tables.read_table(folder(loop, name) / f"{part}.parquet")


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


def _compute(loop: Loop, revision: str, train: list[str], holdout: list[str], target: Path) -> None:
    import pyarrow.compute as pc

    registry = dataset.registry()
    proved = feature_days.proved(registry, loop, revision, [*train, *holdout])
    table = feature_days.of_range(registry, loop, revision, train[0], holdout[-1])
    held = pc.greater_equal(table.column(features.PARTITION), holdout[0])
    parts = {
        "train": targets.known(loop, table.filter(pc.invert(held))),
        "holdout": targets.known(loop, table.filter(held)),
    }
    digest = hashlib.sha256("".join(tables.content_hash(part) for part in parts.values()).encode()).hexdigest()
    manifest = {
        **{f"{name}_rows": part.num_rows for name, part in parts.items()},
        "data_hash": digest,
        "proved": proved,
    }
    with atomic(target) as temporary:
        temporary.mkdir()
        for name, part in parts.items():
            tables.write_table(part, temporary / f"{name}.parquet")
        write_text(temporary / "manifest.json", json.dumps(manifest))
