"""Write files so that a reader, or a process killed half-way, sees the whole file or none."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.errors import storage_errors


def write_text(path: Path, text: str) -> None:
    """Write text under a temporary name, then rename."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_private(path: Path, text: str) -> None:
    """Write text that only this user may read; a power cut leaves what was there before, or all of it."""
    with atomic(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())


def private(folder: Path) -> None:
    """Make a folder that only this user may enter; one of ours that others may is closed to them."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid == os.getuid() and found.st_mode & 0o077:
        folder.chmod(0o700)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Return a temporary name beside `path` that takes its place on success and vanishes on failure.

    What is made under the temporary name may be a file or a folder; a folder replaces the one that is there.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if temporary.is_dir() and path.exists():
                old = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
                path.rename(old)
                temporary.rename(path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                temporary.replace(path)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


def slug(text: str) -> str:
    """Make a run's id a file name, without merging two that differ."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in text)
    return (
        plain if plain == text and len(text) < 100 else f"{plain[:80]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    )
