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
    │   └── TrackingUnavailable   MLflow cannot be reached (worth a retry)
    ├── StorageError          a disk is full or read-only (worth a retry)
    ├── TrainingError         a trainer diverged or was given nothing to learn from
    ├── MissingPackage        a package of requirements.txt is not installed
    └── ServiceError          a service of the local installation does not start

Every message says what happened, where, and what to do next.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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


class StorageError(RatchetError):
    """A file cannot be written: the disk is full, read-only or not ours."""

    retriable = True


class TrainingError(RatchetError):
    """A trainer diverged, or was given nothing to learn from."""


class MissingPackage(RatchetError):
    """A package that requirements.txt names is not installed."""


class ServiceError(RatchetError):
    """A service of the local installation does not start or does not answer."""


_STORAGE = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the operation is not permitted",
}


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
