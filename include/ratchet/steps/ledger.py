"""The ledger of a loop: every decision about its models, a line each, in the data registry's Git history.

Not a step, but what `gate`, `promote`, `decide` and a rollback write to. An entry has a key, and is written once a key.
"""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Any

from ratchet.adapters import dataset, tracking
from ratchet.adapters.registry import Writer
from ratchet.errors import RequestError
from ratchet.loop import Loop

CHANGES = ("promoted", "rolled_back")


def write(writer: Writer, loop: Loop, key: str, entry: dict[str, Any], message: str) -> bool:
    """Append an entry unless its key is there, and commit it; say whether it was new."""
    stamped = {"key": key, "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), **entry}
    new = writer.append(loop.name, stamped)
    writer.commit([f"{loop.name}/ledger.jsonl"], f"{message}\n\n{entry.get('reason', '')}\n")
    return new


def read(loop: Loop) -> list[dict[str, Any]]:
    """Give all entries, oldest first."""
    return dataset.registry().ledger(loop.name)


def champions(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the entries that changed the champion, oldest first."""
    return [entry for entry in entries if entry["kind"] in CHANGES]


def rollback(loop: Loop, reason: str) -> dict[str, Any]:
    """Restore the champion before the present one; the change is an entry like the others. Raises RequestError.

    What was rolled back from is not restored by a second rollback: that one goes further back.
    """
    registry = dataset.registry()
    with tracking.connected() as client, registry.writer() as writer:
        present = tracking.champion(client, loop.name)
        if present is None:
            raise RequestError(f"{loop.name} has no champion: nothing to roll back")
        before = _before(champions(registry.ledger(loop.name)), present.number)
        if before is None:
            raise RequestError(f"v{present.number} is the first champion of {loop.name}: there is none before it to restore")
        restored = tracking.version(client, loop.name, before)
        entry = {"kind": "rolled_back", "version": before, "from": present.number, "mlflow_run": restored.run_id,
                 "reason": reason, "by": getpass.getuser()}  # fmt: skip
        tracking.set_champion(client, restored)
        write(writer, loop, f"rolled_back:{len(registry.ledger(loop.name))}", entry, f"Roll {loop.name} back to v{before}")
    return entry


def _before(changes: list[dict[str, Any]], present: str) -> str | None:
    """Walk the history as a stack: a promotion puts a version on it, a rollback takes what it left off."""
    stack: list[str] = []
    for change in changes:
        if change["kind"] == "promoted":
            stack.append(str(change["version"]))
        else:
            while stack and stack[-1] != str(change["version"]):
                stack.pop()
    while stack and stack[-1] != present:
        stack.pop()
    return stack[-2] if len(stack) > 1 else None
