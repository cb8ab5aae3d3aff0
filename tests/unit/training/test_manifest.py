"""What a fit is made from: written whole, read only as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.training import manifest
from tests.given import rows


@pytest.fixture
def source(place: Path) -> Path:
    loop, table = catalog.load("wind"), rows.wind()
    manifest.write(
        place / "source", manifest.describe(loop, *features.names(loop, table.column_names)), table.to_reader()
    )
    return place / "source"


def test_what_was_written_is_read_row_by_row(source: Path) -> None:
    about, table = manifest.read(source)
    assert table.equals(rows.wind())
    assert (about.task, about.target, about.trainer) == ("regression", "wind", "gradient_boosting")
    assert (about.categorical, set(about.files)) == (("origin",), {"rows.arrow"})


@pytest.mark.parametrize("name", ["rows.arrow", "manifest.json"])
def test_a_file_that_is_missing_or_changed_is_named(source: Path, name: str) -> None:
    (source / name).rename(source / "elsewhere")
    with pytest.raises(DataError, match=name):
        manifest.read(source)


def test_one_byte_of_the_rows_changed_is_seen(source: Path) -> None:
    content = bytearray((source / "rows.arrow").read_bytes())
    content[len(content) // 2] ^= 1
    (source / "rows.arrow").write_bytes(content)
    with pytest.raises(DataError, match="is not the file that the manifest names"):
        manifest.read(source)


@pytest.mark.parametrize(("change", "words"), [({"format": 2}, "has the format 2"), ({"colour": 1}, "no manifest")])
def test_a_manifest_of_another_program_is_refused(source: Path, change: dict[str, int], words: str) -> None:
    path = source / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=words):
        manifest.read(source)
