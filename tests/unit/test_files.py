"""Files: the whole, or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.data import tables
from ratchet.errors import (
    StorageError,
)
from ratchet.files import atomic, slug, write_text


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_slugs_of_different_names_differ(one: str, other: str) -> None:
    assert (slug(one) == slug(other)) == (one == other)
    assert "/" not in slug(one)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, number: int) -> None:
    path = tmp_path / "x.parquet"
    tables.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(StorageError, match=r"x\.parquet.*retry"), atomic(path) as temporary:
        temporary.write_bytes(b"half")
        raise OSError(number, os.strerror(number), str(path))
    assert tables.read_table(path).num_rows == 1
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]


def test_a_folder_takes_the_place_of_the_one_that_is_there(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    for text in ("one", "two"):
        with atomic(target) as made:
            made.mkdir()
            write_text(made / text, text)
    assert [file.name for file in target.iterdir()] == ["two"]
    assert [file.name for file in target.parent.iterdir()] == ["folder"]
