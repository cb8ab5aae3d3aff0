"""What a fit is made from, in a folder of its own: needing no registry, server or network, today or in years.

    manifest.json   recipe, seed, device, and the SHA-256 of each file beside it
    rows.arrow      the rows to learn from, in their order (Arrow IPC stream)
    trainer.py      the trainer's code, where that is the loop's own

A manifest has a format: whoever rebuilds a model years later calls the code of then with the manifest of then.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from ratchet.contract.loop import Loop, Task
from ratchet.contract.part import Part
from ratchet.errors import DataError
from ratchet.files import atomic, write_text
from ratchet.training.model import TRAINER

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
FILE, ROWS = "manifest.json", "rows.arrow"


class Manifest(Part):
    """All that decides what a fit gives, beside the code and the machine."""

    format: int = FORMAT
    task: Task
    target: str  # column
    categorical: tuple[str, ...]  # columns ...
    numeric: tuple[str, ...]  # ... in the order in which they are encoded
    trainer: str
    params: dict[str, Any] = Field(default_factory=dict)
    seed: int
    device: str
    files: dict[str, str] = Field(default_factory=dict)  # name -> SHA-256


def describe(loop: Loop, categorical: list[str], numeric: list[str]) -> Manifest:
    """Say how a loop's model is fitted on rows that have these features."""
    return Manifest(
        task=loop.task,
        target=loop.target.name,
        categorical=tuple(categorical),
        numeric=tuple(numeric),
        trainer=loop.training.trainer,
        params=loop.training.params,
        seed=loop.training.seed,
        device=loop.training.device,
    )


def write(folder: Path, about: Manifest, rows: pa.RecordBatchReader, code: Path | None = None) -> None:
    """Lay a fit out in a new folder. code: the trainer's file, where that is the loop's own."""
    import pyarrow as pa

    with atomic(folder) as temporary:
        temporary.mkdir()
        with pa.OSFile(str(temporary / ROWS), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
            for batch in rows:
                stream.write_batch(batch)
        if code is not None:
            (temporary / TRAINER).write_bytes(code.read_bytes())
        files = {path.name: _digest(path) for path in sorted(temporary.iterdir())}
        write_text(temporary / FILE, about.model_copy(update={"files": files}).model_dump_json(indent=1) + "\n")


def read(folder: Path) -> tuple[Manifest, pa.Table]:
    """Read a fit's manifest, and its rows, which stay on the disk as long as they are not looked at.

    Raises DataError where a file is missing, or not the one that was written.
    """
    import pyarrow as pa

    try:
        about = Manifest.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"There is no {FILE} in {folder}. Name a folder that `ratchet step train` laid out") from None
    except ValidationError as error:
        raise DataError(f"{folder / FILE} is no manifest of this program: {error.errors()[0]['msg']}") from None
    if about.format != FORMAT:
        raise DataError(f"{folder / FILE} has the format {about.format}; this program knows {FORMAT}. Use its own")
    for name, digest in about.files.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise DataError(f"{folder / name} is not the file that the manifest names. Lay the fit out again")
    with pa.memory_map(str(folder / ROWS)) as source:
        return about, pa.ipc.open_stream(source).read_all()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
