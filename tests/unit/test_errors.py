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


def test_any_exception_is_a_sentence_with_its_place() -> None:
    def count(values: list[int]) -> int:
        return values[3]

    with pytest.raises(IndexError) as caught:
        count([])
    found = errors.explain(caught.value)
    assert isinstance(found, errors.Unforeseen)
    assert not found.retriable
    assert str(found).startswith("IndexError: list index out of range (at test_errors.py:")
    assert ", count)" in str(found)
    assert "\n" not in str(errors.explain(ValueError("a\nb")))


def test_too_little_memory_says_what_there_is_and_is_not_tried_again() -> None:
    with pytest.raises(MemoryError) as caught:
        bytearray(2**62)
    found = errors.explain(caught.value)
    assert isinstance(found, errors.OutOfMemory)
    assert not found.retriable
    assert "GB of them free" in str(found)


def test_what_is_known_stays_what_it_is() -> None:
    known = StorageError("full")
    assert errors.explain(known) is known
    assert errors.explain(OSError(errno.ENOSPC, "no")).retriable
    assert isinstance(errors.explain(ModuleNotFoundError("x", name="x")), errors.MissingPackage)
