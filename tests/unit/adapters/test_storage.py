"""DVC's storage, written without DVC's commands: they find in it what they would have written themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.adapters import storage
from ratchet.adapters.data_registry import Registry
from ratchet.errors import RegistryError
from ratchet.lifecycle import dataset
from ratchet.settings import Settings

FILES = {"loop/data/sales/2013-01-02.parquet": b"one", "loop/data/sales/2013-01-03.parquet": b"two" * 1000}


def _dvc(root: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _write(registry: Registry) -> None:
    for path, content in FILES.items():
        (registry.root / path).parent.mkdir(parents=True, exist_ok=True)
        (registry.root / path).write_bytes(content)
    with registry.writer() as writer:
        writer.add([*FILES])
        writer.commit([f"{path}.dvc" for path in FILES], "Add")


def test_dvcs_own_commands_find_what_they_would_have_written(place: Path, tmp_path: Path) -> None:
    registry = dataset.registry()
    _write(registry)
    assert json.loads(_dvc(registry.root, "status", "--json")) == {}
    assert json.loads(_dvc(registry.root, "status", "--cloud", "--json")) == {}
    path = next(iter(FILES))
    ours = (registry.root / f"{path}.dvc").read_text()
    _dvc(registry.root, "add", path)
    assert (registry.root / f"{path}.dvc").read_text() == ours
    assert not registry.git("status", "--porcelain").strip()
    # Elsewhere, from the remote alone: the clone has no cache.
    clone = tmp_path / "var" / "clone"
    subprocess.run(["git", "clone", "--quiet", str(registry.root), str(clone)], check=True)
    _dvc(clone, "pull")
    assert {path: (clone / path).read_bytes() for path in FILES} == FILES


def test_twice_changes_nothing_and_the_bytes_are_read_only(place: Path) -> None:
    registry = dataset.registry()
    _write(registry)
    head = registry.head()
    _write(registry)
    assert registry.head() == head
    for folder in (registry.root / ".dvc" / "cache", Path(Settings.current().var) / "remote"):
        kept = [path for path in (folder / "files" / "md5").rglob("*") if path.is_file()]
        assert sorted(path.read_bytes() for path in kept) == sorted(FILES.values())
    assert all(
        path.stat().st_mode & 0o222 == 0 for path in (registry.root / ".dvc" / "cache").rglob("*") if path.is_file()
    )


def test_a_remote_that_cannot_be_written_is_named_and_nothing_is_half_added(place: Path) -> None:
    registry = dataset.registry()
    remote = Settings.current().var / "remote"
    remote.write_text("a file where the folder should be")
    with pytest.raises(RegistryError, match="remote"):
        _write(registry)
    assert not [*registry.root.rglob("*.parquet.dvc")]


def test_a_remote_of_another_name_is_told(place: Path) -> None:
    root = dataset.registry().root
    (root / "x.parquet").write_bytes(b"x")
    config = root / ".dvc" / "config"
    config.write_text(config.read_text().replace("storage", "elsewhere"))
    with pytest.raises(RegistryError, match=storage.REMOTE):
        storage.add(root, ["x.parquet"])
