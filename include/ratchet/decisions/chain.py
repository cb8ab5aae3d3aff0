"""The chain of a ledger: every entry carries the hash of the one before, so that none can be changed or lost unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ratchet.errors import LedgerError

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


def read(text: str, where: str, see: str) -> list[dict[str, Any]]:
    """Return the entries of a ledger's text, once each is proved to follow the one before.

    where: the ledger, and see: the command that says more, for the error. Raises LedgerError where the chain breaks.
    """
    found: list[dict[str, Any]] = []
    last = None
    lines = text.split("\n")
    whole = lines[:-1] if not lines[-1] else [*lines[:-1], f"{lines[-1]} without an end"]
    for number, written in enumerate(whole, 1):
        try:
            entry = json.loads(written)
            follows = entry["before"] == last and line(entry) == written
        except (ValueError, KeyError, TypeError, RecursionError):
            follows = False
        if not follows:
            raise LedgerError(
                f"Entry {number} of {where} does not follow the one before it: the ledger was changed after it was "
                f"written. Nothing is promoted or scored by it. See: {see}"
            )
        last = hashlib.sha256(written.encode()).hexdigest()
        found.append(entry)
    return found
