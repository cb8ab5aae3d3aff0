"""The record of each training: what its steps have made, by its hash, in the data registry.

MLflow holds a run's bytes, and shows them to people; whoever reaches its port can change them, and its tags. So what
decides is read from here, and what lies in MLflow is compared with it:

    <loop>/runs/<mlflow run>.json   the record
    <loop>/keys/<key>               the MLflow run of a training
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.contract.part import Part
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import dataset
from ratchet.training.baseline import Baseline

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


class Record(Part):
    """What is known of an MLflow run that a step has made."""

    run: str  # of MLflow
    key: str = ""  # of the training; empty for a refit
    evaluated: str = ""  # of a refit: the run of the model that was judged in its place
    refit: str = ""  # of a model that was judged: the run of its refit
    recipe: str = ""  # hash of what the model is made by, its data aside
    reason: str = ""  # why it was trained
    asked_by: str = ""  # the login of who has asked for it; empty where no person has
    data: dict[str, str] = Field(default_factory=dict)  # revision, hash, train, holdout, read: days as a range
    code: str = ""  # the revision of the project
    lock: str = ""  # hash of what pins its packages; empty of a run that is older than this, and where nothing does
    model: str = ""  # SHA-256, with which every load is compared
    uri: str = ""  # of the model, in MLflow
    seconds: float = 0.0  # of the fit
    files: dict[str, str] = Field(default_factory=dict)  # path with the run -> SHA-256
    intercept: int = 0  # days that its answers are shifted after, its baseline's too: it is judged, and answers, so
    baseline: Baseline | None = None  # learnt from the same rows; None of a run that is older than baselines
    evaluation: str = ""  # SHA-256, by which it is found among the loop's facts

    @property
    def trained(self) -> tuple[str, str]:
        """Return the first and the last day that the model was fitted on."""
        first, _, last = self.data.get("train", "").partition("..")
        return first, last

    @property
    def held_out(self) -> tuple[str, str]:
        """Return the first and the last day that were held out."""
        first, _, last = self.data.get("holdout", "").partition("..")
        return first, last


def find(loop: Loop, run: str, registry: Registry | None = None) -> Record | None:
    """Return the record of an MLflow run, or None. registry: as a writer sees it; by default as it is."""
    text = (registry or dataset.registry()).text(_path(loop.name, run))
    return Record.model_validate_json(text) if text else None


def read(loop: Loop, run: str, registry: Registry | None = None) -> Record:
    """Return the record of an MLflow run. Raises DataError where there is none: no step has made that run."""
    found = find(loop, run, registry)
    if found is None:
        raise DataError(
            f"The data registry has no record of the MLflow run {run}: no step of {loop.name} has made it, whatever "
            f"MLflow says. Train one: ratchet step train --loop {loop.name} --run KEY"
        )
    return found


def of_key(loop: Loop, key: str) -> Record | None:
    """Return the record of the training with this key, or None."""
    run = dataset.registry().text(_key_path(loop.name, key))
    return find(loop, run.strip()) if run else None


def trained_run(loop: Loop, key: str, asked: str = "") -> str:
    """Return the MLflow run that was trained under a key.

    Raises DataError where nothing was, and RequestError where another run was asked for.
    """
    found = of_key(loop, key)
    if found is None:
        raise DataError(
            f"Nothing of {loop.name} was trained under the key {key!r}. Run: ratchet step train --loop {loop.name} "
            f"--run {key}"
        )
    if asked not in ("", found.run):
        raise RequestError(
            f"The MLflow run {asked} is not what was trained for {loop.name} under the key {key!r}; that is "
            f"{found.run}. A run is judged and promoted under its own loop and key alone"
        )
    return found.run


def keep(loop: Loop, record: Record) -> None:
    """Write a record down."""
    writing.change(dataset.registry(), lambda writer: write(writer, loop, record))


def write(writer: Writer, loop: Loop, record: Record) -> None:
    """Commit a record; one that is there already changes nothing."""
    for path, text in files(loop.name, record).items():
        writer.write(path, text)
    writer.commit(f"Note what the run {record.key or record.run} of {loop.name} has made")


def files(loop: str, record: Record) -> dict[str, str]:
    """Return what a record is in the registry: path -> text."""
    kept = {_path(loop, record.run): record.model_dump_json(indent=1, exclude_defaults=True) + "\n"}
    return {**kept, **({_key_path(loop, record.key): f"{record.run}\n"} if record.key else {})}


def amend(loop: Loop, run: str, **fields: Any) -> Record:
    """Add to a record; return it whole. Raises DataError where there is none."""
    return writing.change(dataset.registry(), lambda writer: amended(writer, loop, run, **fields))


def amended(writer: Writer, loop: Loop, run: str, **fields: Any) -> Record:
    """Commit what is added to a record; return it whole. Raises DataError where there is none."""
    whole = read(loop, run, writer.registry).model_copy(update=fields)
    write(writer, loop, whole)
    return whole


def file(loop: Loop, client: Tracking, run: str, name: str) -> bytes:
    """Read a file that a step has stored with a run. Raises DataError where it is gone, or was changed since."""
    try:
        content = runs.read_file(client, run, name)
    except DataError as error:
        raise DataError(
            f"{str(error).partition('. Run the step')[0]}. The way on: ratchet recover {loop.name}"
        ) from None
    if digest(content) != read(loop, run).files.get(name):
        raise DataError(
            f"The file {name} of the MLflow run {run} is not what was stored with it. Bring MLflow's artifacts back "
            f"from a backup, or go on without: ratchet recover {loop.name}"
        )
    return content


def digests(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file: path -> hexadecimal."""
    return {name: digest(content) for name, content in files.items()}


def digest(content: str | bytes) -> str:
    """Return a SHA-256, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _path(loop: str, run: str) -> str:
    return f"{loop}/runs/{run}.json"


def _key_path(loop: str, key: str) -> str:
    return f"{loop}/keys/{key}"
