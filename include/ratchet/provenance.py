"""Say which code and which environment are running."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

LOCK = "requirements.txt"


@cache
def code(home: Path) -> dict[str, str]:
    """Return the code's Git revision and whether the tree differs from it. `unknown` outside a Git checkout.

    MLflow logs a dirty tree as its clean commit (mlflow #1912); this does not.
    """
    revision = _git(home, "rev-parse", "HEAD")
    if revision is None:
        return {"code.revision": "unknown", "code.dirty": "unknown"}
    return {"code.revision": revision, "code.dirty": str(bool(_git(home, "status", "--porcelain"))).lower()}


@cache
def environment() -> dict[str, str]:
    """Return a hash over the interpreter and every installed distribution with its version."""
    found = sorted(
        {
            f"{item.metadata['Name'].lower()}=={item.version}"
            for item in metadata.distributions()
            if item.metadata["Name"]
        }
    )
    text = "\n".join([platform.python_version(), platform.machine(), *found])
    return {
        "environment.hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        "environment.python": platform.python_version(),
    }


def lock(home: Path) -> str:
    """Return the hash of the file that pins what is installed; nothing where there is none."""
    path = home / LOCK
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def last_commit(home: Path, *places: Path) -> str:
    """Return the last commit that has changed some places, abbreviated, and its subject; nothing outside of Git."""
    return _git(home, "log", "-1", "--format=%h %s", "--", *map(str, places)) or ""


def _git(home: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
