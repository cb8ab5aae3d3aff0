"""Name every way in which Ratchet can refuse or fail.

    RatchetError
    ├── ContractError         a loop.yaml, or what it names, is wrong
    ├── RequestError          a step was asked for something that cannot be
    ├── SourceError           a source cannot be read (worth a retry)
    ├── DataError             data are damaged or missing
    ├── RegistryError         the data registry cannot be written or read
    │   ├── RegistryBusy      another writer holds it (worth a retry)
    │   └── FormatError       its state was written by another version of Ratchet
    ├── TrackingError         MLflow refuses
    │   ├── TrackingUnavailable   MLflow cannot be reached (worth a retry)
    │   └── ModelLost         a model that a loop needs is gone from MLflow
    ├── StorageError          a disk is full or read-only (worth a retry)
    ├── TrainingError         a trainer diverged or was given nothing to learn from
    ├── MissingPackage        a package of requirements.txt is not installed
    ├── OutOfMemory           a step needs more memory than there is
    ├── ServiceError          a service of the local installation does not start
    └── Unforeseen            anything else, wherever it came from

Every message says what happened, where, and what to do next.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ratchet.text import one_line

if TYPE_CHECKING:
    from pydantic import ValidationError


class RatchetError(Exception):
    """Anything that Ratchet says about itself rather than lets a traceback say."""

    retriable: ClassVar[bool] = False


class ContractError(RatchetError):
    """A loop's contract is wrong; the message names file, line and the nearest right spelling."""


class RequestError(RatchetError):
    """A step was asked for something that cannot be."""


class SourceError(RatchetError):
    """A source cannot be read now."""

    retriable = True


class DataError(RatchetError):
    """Data are damaged, or the ones that are needed do not exist."""


class RegistryError(RatchetError):
    """The data registry cannot be written or read."""


class RegistryBusy(RegistryError):
    """Another writer holds the data registry."""

    retriable = True


class LedgerError(RatchetError):
    """A ledger holds what this program does not know, or what was changed after it was written."""


class FormatError(RegistryError):
    """The state was written by another version of Ratchet."""


class TrackingError(RatchetError):
    """MLflow was reached and refused."""


class TrackingUnavailable(TrackingError):
    """MLflow cannot be reached."""

    retriable = True


class ModelLost(TrackingError):
    """A model that a loop needs is gone from MLflow; the message names the command that leads on."""


class StorageError(RatchetError):
    """A file cannot be written: the disk is full, read-only or not ours."""

    retriable = True


class TrainingError(RatchetError):
    """A trainer diverged, or was given nothing to learn from."""


class MissingPackage(RatchetError):
    """A package that requirements.txt names is not installed."""


class ServiceError(RatchetError):
    """A service of the local installation does not start or does not answer."""


class OutOfMemory(RatchetError):
    """A step needs more memory than there is; a retry would need as much."""


class Unforeseen(RatchetError):
    """What nobody has foreseen: the message says which error it was, and where it came from."""


_STORAGE = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the operation is not permitted",
}


_EXPECTED = {  # kind of pydantic's error -> what was expected, where a text was found that is none
    "float_parsing": "expected a number, as 15 or 0.5",
    "int_parsing": "expected an integer, as 15",
    "bool_parsing": "expected true or false",
}


def expected(item: Mapping[str, Any]) -> str:
    """Say what was expected, of one of a ValidationError's errors."""
    return _EXPECTED.get(item["type"]) or f"{item['msg'][:1].lower()}{item['msg'][1:]}"


def misfit(error: ValidationError, whole: str = "all of it") -> str:
    """Say what does not fit first: the field, and why. whole: what to say where it is no field alone."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or whole}: {first['msg']}"


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn the operating system's full, read-only and forbidden disks into a StorageError that names `where`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _STORAGE:
            raise
        raise StorageError(
            f"Cannot write {error.filename or where}: {_STORAGE[error.errno]}. "
            "Nothing half-written was left behind; make room or fix the rights, then retry."
        ) from error


def explain(error: Exception) -> RatchetError:
    """Return any exception as one of ours: what happened, where, and what to do next."""
    if isinstance(error, RatchetError):
        return error
    if isinstance(error, ModuleNotFoundError):
        return MissingPackage(f"The package {error.name} is not installed. Run: make install")
    if isinstance(error, MemoryError):
        return OutOfMemory(f"Memory ran out at {_place(error)}: {_said(error)}. {memory()}")
    if isinstance(error, OSError):
        return StorageError(f"{type(error).__name__}: {_said(error)} (at {_place(error)}). Mend it and retry")
    return Unforeseen(
        f"{type(error).__name__}: {_said(error)} (at {_place(error)}). A retry would end the same. Where a file or a "
        "value of your own is named, mend that; else report this line and what was asked for"
    )


def memory() -> str:
    """Say how much memory this machine has, what is left of it, and what helps."""
    return f"This machine has {memory_left()}. Free some, give the step a bigger machine, or ask for fewer days at once"


def memory_left() -> str:
    """Say how much memory this machine has, and what is left of it."""
    import psutil

    found = psutil.virtual_memory()
    return f"{found.total / 1e9:.1f} GB, {found.available / 1e9:.1f} GB of them free"


def _said(error: Exception) -> str:
    return one_line(str(error), 600) or "no more is said"


def _place(error: Exception) -> str:
    """Return where an exception has come through last: of our code or a loop's, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    ours = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    chosen = [*ours[-1:], *([frames[-1]] if frames[-1] not in ours[-1:] else [])]
    return ", ".join(f"{Path(frame.filename).name}:{frame.lineno}, {frame.name}" for frame in chosen)
