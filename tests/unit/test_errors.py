"""Errors of the system, in one sentence."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ratchet import errors
from ratchet.errors import RatchetError, StorageError, storage_errors


def test_other_errors_of_the_system_are_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), storage_errors(tmp_path):
        raise IsADirectoryError(errno.EISDIR, "a directory")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_cannot_be_written_is_worth_a_retry(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageError, match=str(tmp_path)) as caught, storage_errors(tmp_path):
        raise OSError(number, "no")
    assert caught.value.retriable


def test_every_error_has_one_root_and_says_whether_a_retry_helps() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, RatchetError) for kind in kinds)
    assert {kind.__name__ for kind in kinds if kind.retriable} == {
        "SourceError",
        "RegistryBusy",
        "TrackingUnavailable",
        "StorageError",
    }
