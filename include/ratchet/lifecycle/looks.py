"""What a night has seen, kept once: the first look under its name, a later one that saw something else beside it.

A night decides on its first look, and a ledger's entry names that by its hash. So nothing is written over it: neither
when a run is cleared, nor after a correction, nor by another champion.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ratchet.contract.loop import Loop
from ratchet.files import write_text
from ratchet.settings import Settings


def folder(loop: Loop, partition: str) -> Path:
    """Say where what was seen on a night lies."""
    return Settings.current().reports / loop.name / partition


def read(loop: Loop, partition: str, name: str) -> str | None:
    """Return what the first look saw, or None."""
    path = folder(loop, partition) / name
    return path.read_text(encoding="utf-8") if path.exists() else None


def keep(loop: Loop, partition: str, name: str, text: str) -> Path:
    """Keep what was seen; return where it lies."""
    path = folder(loop, partition) / name
    if path.exists() and path.read_text(encoding="utf-8") != text:
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = path.with_name(f"{path.stem}-{digest}{path.suffix}")
    if not path.exists():
        write_text(path, text)
    return path


def forget(loop: Loop, partition: str, name: str) -> None:
    """Let a look count for nothing that found nothing to look at."""
    (folder(loop, partition) / name).unlink(missing_ok=True)
