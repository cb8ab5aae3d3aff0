"""The state of an installation is no data, wherever it was moved to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.data import places
from ratchet.errors import ContractError


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("RATCHET_VAR", "{}"),
        ("RATCHET_REGISTRY", "{}"),
        ("RATCHET_REMOTE", "{}"),
        ("RATCHET_REMOTE", "file://{}"),
        ("RATCHET_GIT_REMOTE", "{}"),
        ("RATCHET_GIT_REMOTE", "file://{}"),
    ],
)
def test_state_is_no_data_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "link").symlink_to(moved)
    monkeypatch.setenv(name, form.format(moved))
    for path in (moved / "x.csv", tmp_path / "link" / "x.csv", tmp_path / "a" / ".." / "elsewhere" / "x.csv"):
        with pytest.raises(ContractError, match=f"names {moved}/x.csv, which is no data"):
            places.data(path, "source.options.files", tmp_path)
    assert places.data(tmp_path / "elsewhere.csv", "x", tmp_path) == tmp_path / "elsewhere.csv"


def test_a_remote_that_is_no_folder_shuts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_REMOTE", "s3://bucket/x")
    monkeypatch.setenv("RATCHET_GIT_REMOTE", "none")
    assert places.data(tmp_path / "x.csv", "x", tmp_path) == tmp_path / "x.csv"


def test_what_is_no_path_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="which is no path: embedded null byte"):
        places.data("a\0b", "source.options.database", tmp_path)


@pytest.mark.parametrize("path", ["/proc/self/environ", "/dev/stdin", "/sys/kernel"])
def test_the_systems_own_files_are_no_data(tmp_path: Path, path: str) -> None:
    with pytest.raises(ContractError, match="which is no data"):
        places.data(path, "source.options.files", tmp_path)
