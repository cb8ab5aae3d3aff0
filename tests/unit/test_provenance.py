"""Which code and which environment are running."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from ratchet import provenance


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_tree_that_differs_from_its_commit_says_so(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "x").write_text("1")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "x")
    head = _git(tmp_path, "rev-parse", "HEAD")
    assert provenance.code(tmp_path) == {"code.revision": head, "code.dirty": "false"}
    provenance.code.cache_clear()
    (tmp_path / "x").write_text("2")
    assert provenance.code(tmp_path) == {"code.revision": head, "code.dirty": "true"}


def test_outside_of_git_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert set(provenance.code(tmp_path).values()) == {"unknown"}


def test_the_environment_has_one_hash() -> None:
    found = provenance.environment()
    assert len(found["environment.hash"]) == 16
    assert found["environment.python"] == platform.python_version()
    provenance.environment.cache_clear()
    assert provenance.environment() == found
