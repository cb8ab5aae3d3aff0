"""The chain of a ledger: every entry carries the hash of the one before, so that none can be changed or lost unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMAT = 2  # of an entry; 0.1 wrote entries without one


def line(entry: Mapping[str, Any]) -> str:
    """Write an entry as the line that it is in the ledger."""
    return json.dumps(entry, sort_keys=True)


def digest(entry: Mapping[str, Any]) -> str:
    """Hash an entry: SHA-256 over its line, in hexadecimal."""
    return hashlib.sha256(line(entry).encode()).hexdigest()


def link(entry: Mapping[str, Any], last: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an entry as it follows the last one. signature: none yet, and where one is to be."""
    return {**entry, "format": FORMAT, "before": digest(last) if last else None, "signature": None}


def broken(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the index of the first entry that does not follow the one before it; None where the chain is whole."""
    last: Mapping[str, Any] | None = None
    for index, entry in enumerate(entries):
        if entry.get("before") != (digest(last) if last else None):
            return index
        last = entry
    return None
