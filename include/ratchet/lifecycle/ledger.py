"""The ledger of a loop: every decision about its models, a line each, in the data registry's Git history.

Not a step, but what `gate`, `promote`, `duel`, `decide` and a rollback write to. An entry has a key, and is written
once a key. The ledger is the truth about who is champion, MLflow's alias its shadow: an entry comes first, the alias
after it, and where a crash came between the two the next call moves the alias.
"""

from __future__ import annotations

import datetime as dt
import getpass
from typing import TYPE_CHECKING, Any

from ratchet.adapters import models, runs
from ratchet.adapters.data_registry import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import shadows
from ratchet.errors import RequestError
from ratchet.lifecycle import dataset

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

CHANGES = ("promoted", "rolled_back")


def write(writer: Writer, loop: Loop, key: str, entry: dict[str, Any], message: str) -> bool:
    """Append an entry unless its key is there, and commit it; say whether it was new."""
    stamped = {
        "key": key,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "by": getpass.getuser(),
        **entry,
    }
    new = writer.append(loop.name, stamped)
    writer.commit([f"{loop.name}/ledger.jsonl"], f"{message}\n\n{entry.get('reason', '')}\n")
    return new


def say(loop: Loop, kind: str, reason: str, title: str) -> None:
    """Write down what a person says to the admission: kind is asked, paused or resumed."""
    registry = dataset.registry()
    with registry.writer() as writer:
        count = len(registry.ledger(loop.name))
        write(writer, loop, f"{kind}:{count}", {"kind": kind, "reason": reason}, f"{title} {loop.name}")


def leave(writer: Writer, loop: Loop, challenger: shadows.Challenger, why: str) -> None:
    """Write down that a challenger waits no longer."""
    entry = {
        "kind": "left",
        "run": challenger.run,
        "mlflow_run": challenger.mlflow_run,
        "champion": challenger.champion,
        "reason": why,
    }
    write(writer, loop, f"left:{challenger.mlflow_run}", entry, f"Let a challenger of {loop.name} go")


def read(loop: Loop) -> list[dict[str, Any]]:
    """Return all entries, oldest first."""
    return dataset.registry().ledger(loop.name)


def champions(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries that changed the champion, oldest first."""
    return [entry for entry in entries if entry["kind"] in CHANGES]


def champion(client: Tracking, loop: Loop) -> models.Version | None:
    """Return the champion, and heal the alias where a crash has left it behind the ledger."""
    found = models.champion(client, loop.name)
    changes = champions(read(loop))
    if changes and (found is None or str(changes[-1]["version"]) != found.number):
        found = models.version(client, loop.name, str(changes[-1]["version"]))
        models.set_champion(client, found)
    return found


def rollback(loop: Loop, reason: str, *, to: str = "", key: str = "", **facts: Any) -> dict[str, Any]:
    """Restore the champion before the present one; the change is an entry like the others. Raises RequestError.

    to: the version to restore, one that was champion. What was rolled back from is not restored by a second rollback:
    that one goes further back. key: of the entry; a second call with the same key changes nothing.
    """
    registry = dataset.registry()
    with runs.connected() as client, registry.writer() as writer:
        entries = registry.ledger(loop.name)
        done = next((entry for entry in entries if key and entry["key"] == key), None)
        present = champion(client, loop)
        if done:
            return done
        if present is None:
            raise RequestError(f"{loop.name} has no champion: nothing to roll back")
        before = to or _before(champions(entries), present.number)
        if before is None:
            raise RequestError(
                f"v{present.number} is the first champion of {loop.name}: there is none before it to restore"
            )
        restored = models.version(client, loop.name, before)
        entry = {
            "kind": "rolled_back",
            "version": before,
            "from": present.number,
            "mlflow_run": restored.run_id,
            "reason": reason,
            **facts,
        }
        write(writer, loop, key or f"rolled_back:{len(entries)}", entry, f"Roll {loop.name} back to v{before}")
        models.set_champion(client, restored)
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
