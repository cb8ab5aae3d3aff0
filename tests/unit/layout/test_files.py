"""The files of a sample, and the pattern of their names."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import pytest

from ratchet.errors import RequestError
from ratchet.layout import files


def _make(folder: Path, *names: str, content: bytes = b"a,b\n1,2\n") -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["s_2024-03-01.csv", "s_2024-03-02.csv"], "s_{partition}.csv"),
        (["S_20240301.CSV", "S_20240302.CSV"], "S_{partition:%Y%m%d}.CSV"),
        (["2024-03-01.csv.gz", "2024-03-02.csv.gz"], "{partition}.csv.gz"),
        (["s_2024-03-01_a.csv", "s_2024-03-01_b.csv"], "*.csv"),
        (["north.csv", "south.csv"], "*.csv"),
        (["north.csv", "south.CSV"], "*"),
        (["s_20241399.json", "s_20240301.json"], "*.json"),
    ],
)
def test_names_that_hold_the_day_become_a_pattern(tmp_path: Path, names: list[str], pattern: str) -> None:
    assert files.listed(_make(tmp_path / "in", *names)).pattern == str(tmp_path / "in" / pattern)


def test_days_are_those_of_the_names() -> None:
    assert files._dated("a_20240229.csv") == ("a_{partition:%Y%m%d}.csv", dt.date(2024, 2, 29))
    assert files._dated("a_20230229.csv") == ("a_20230229.csv", None)


def test_files_of_several_kinds_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="several kinds"):
        files.listed(_make(tmp_path / "both", "a.csv", "a.json"))
    with pytest.raises(RequestError, match="no CSV"):
        files.listed(_make(tmp_path / "none", "notes.md"))
    with pytest.raises(RequestError, match="neither CSV"):
        files.listed(_make(tmp_path / "one", "notes.md") / "notes.md")


@pytest.mark.parametrize(
    ("content", "expected"),
    [("Köln".encode(), "utf-8"), ("Köln".encode("latin-1"), "cp1252"), ("Köln".encode("utf-16"), "utf-16")],
)
def test_the_encoding_is_that_of_the_bytes(tmp_path: Path, content: bytes, expected: str) -> None:
    assert files.encoding(files.listed(_make(tmp_path / "in", "a.csv", content=content * 9))) == expected
    assert files.encoding(files.listed(_make(tmp_path / "gz", "a.csv.gz", content=content * 9))) == expected


def test_a_path_in_the_project_is_seen_from_the_loop_and_another_told() -> None:
    home = Path("/p")
    assert files.seen_from("/p/data/a.csv", home / "include" / "loops" / "x", home) == ("../../../data/a.csv", True)
    assert files.seen_from("/q/a.csv", home / "loops" / "x", home) == ("/q/a.csv", False)


def test_files_whose_days_do_not_hold_are_a_glob(tmp_path: Path) -> None:
    found = files.undated(files.listed(_make(tmp_path / "in", "s_20240301.csv", "s_20240302.csv")))
    assert (found.pattern, found.days) == (str(tmp_path / "in" / "s_*.csv"), ())
