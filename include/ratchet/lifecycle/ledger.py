"""The ledger of a loop: every decision about its models, a line each, in the data registry's Git history.

Not a step, but what `gate`, `promote`, `duel`, `decide` and a rollback write to. An entry has a key, and is written
once a key. The ledger is the truth about who is champion, MLflow's alias its shadow: an entry comes first, the alias
after it, and where a crash came between the two the next call moves the alias.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet import environment
from ratchet.adapters import models, runs, writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions.entries import Asked, Entries, Entry, Lost, Paused, Promoted, Resumed, RolledBack, line, only
from ratchet.errors import DataError, RegistryError, RequestError
from ratchet.lifecycle import contracts, dataset, nights
from ratchet.text import one_line

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

_log = logging.getLogger("ratchet")
Change = Promoted | RolledBack  # of the champion
Grounds = Mapping[str, Mapping[str, str]]  # key of an entry -> what it rests on: name of the file -> its text

TITLES = {  # of an entry's commit
    "won": "Let a challenger of {loop} have won",
    "promoted": "Promote {loop} {what}",
    "rejected": "Reject a challenger of {loop}",
    "waiting": "Let a challenger of {loop} wait",
    "delayed": "Let a refit of {loop} wait to be measured again",
    "left": "Let a challenger of {loop} go",
    "approval_asked": "Ask for an approval of {loop}",
    "answered": "Answer about a challenger of {loop}",
    "rolled_back": "Roll {loop} back to {what}",
    "lost": "Let {what} of {loop} go, which is lost",
    "released": "Let {what} of {loop} go",
    "anchored": "Hold the models of {loop} to {what}",
    "certified": "Certify {what} of {loop}",
    "requested": "Ask for a retraining of {loop}",
    "vetoed": "Veto a retraining of {loop}",
    "asked": "Ask for a retraining of {loop}",
    "paused": "Pause the retraining of {loop}",
    "resumed": "Resume the retraining of {loop}",
}


def write(writer: Writer, loop: Loop, entries: Sequence[Entry], grounds: Grounds | None = None) -> list[Entry]:
    """Append entries, with time, user, contract and what they rest on, and commit them, all or none; return the new.

    An entry whose key is there is left as it is, and what it rests on with it.
    """
    known = {entry.key for entry in writer.registry.ledger(loop.name)}
    fresh = [entry for entry in entries if entry.key not in known]
    if not fresh:
        return []
    now, who = dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), environment.user()
    contract = contracts.keep(writer, loop)
    found = []
    for entry in fresh:
        kept = {
            name: writer.keep(loop.name, Path(name).suffix, text)
            for name, text in (grounds or {}).get(entry.key, {}).items()
        }
        facts = {**entry.facts, **kept}
        update = {"at": now, "by": entry.by or who, "contract": contract, **({"facts": facts} if facts else {})}
        update["reason"] = one_line(entry.reason)
        found.append(entry.model_copy(update=update))
    writer.append(loop.name, found)
    titles = [TITLES[entry.kind].format(loop=loop.name, what=what(entry)) for entry in found]
    told = "\n\n".join(f"{title}: {entry.reason}" for title, entry in zip(titles[1:], found[1:], strict=True))
    writer.commit(f"{titles[0]}\n\n{found[0].reason}\n\n{told}".rstrip() + "\n")
    return found


def say(loop: Loop, kind: type[Asked | Paused | Resumed], reason: str) -> None:
    """Write down what a person says to the admission."""

    def act(writer: Writer) -> None:
        count, name = len(writer.registry.ledger(loop.name)), kind.model_fields["kind"].default
        night = nights.hearing(writer.registry, loop.name)
        write(writer, loop, [kind(key=f"{name}:{count}", reason=reason, night=night)])

    writing.change(dataset.registry(), act)


def read(loop: Loop) -> list[Entry]:
    """Return all entries, oldest first."""
    return dataset.registry().ledger(loop.name)


def what(entry: Entry) -> str:
    """Say in a word what an entry is about: a version, or a night."""
    told = line(entry)
    return f"v{told['version']}" if told.get("version") else str(told.get("partition", ""))


def champions(entries: Entries) -> list[Change]:
    """Return the entries that changed the champion, oldest first; since the last was lost, and none was left."""
    found: list[Change] = []
    for entry in entries:
        if isinstance(entry, Change):
            found.append(entry)
        elif isinstance(entry, Lost) and entry.vacant:
            found = []
    return found


def champion(client: Tracking, loop: Loop) -> models.Version | None:
    """Return the champion that the ledger names; set MLflow's alias right, and tell, where it says another.

    Raises RegistryError where the alias names one and the ledger never had any: it was lost, and is no fresh start.
    Raises ModelLost where the version is gone.
    """
    found, registry = models.champion(client, loop.name), dataset.registry()
    entries = registry.ledger(loop.name)
    changes = champions(entries)
    if not changes and found is not None and only(entries, Lost):
        models.clear_champion(client, loop.name)
    elif not changes and found is not None:
        raise RegistryError(
            f"MLflow's alias says that v{found.number} is the champion of {loop.name}, and the ledger in "
            f"{registry.root} has no champion: the registry was lost, or is another's. "
            "Bring it back: ratchet registry restore. Where that model is not Ratchet's, take its alias away"
        )
    if not changes:
        return None
    last = changes[-1]
    if found is None or found.number != last.version:
        said = f"v{found.number}" if found else "no version"
        _log.warning(
            "MLflow's alias said %s, the ledger of %s says v%s: it was set right", said, loop.name, last.version
        )
        found = models.version(client, loop.name, last.version)
        models.set_champion(client, found)
    if found.run_id != last.mlflow_run:
        raise DataError(
            f"v{last.version} of {loop.name} is of the run {found.run_id} in MLflow, and of {last.mlflow_run} in the "
            "ledger: its registered versions were changed. Bring MLflow's database back from a backup, or go on "
            f"without it: ratchet recover {loop.name}"
        )
    return found


def rollback(loop: Loop, reason: str) -> RolledBack:
    """Restore the champion before the present one; the change is an entry like the others. Raises RequestError.

    What was rolled back from is not restored by a second rollback: that one goes further back.
    """
    with runs.connected() as client:
        return writing.change(dataset.registry(), partial(_roll_back, loop, client, reason))


def _roll_back(loop: Loop, client: Tracking, reason: str, writer: Writer) -> RolledBack:
    entries = writer.registry.ledger(loop.name)
    changes = champions(entries)
    if not changes:
        champion(client, loop)  # raises where the ledger was lost
        raise RequestError(f"{loop.name} has no champion: nothing to roll back")
    present = changes[-1].version
    before = next(former(entries, present), None)
    if before is None:
        raise RequestError(f"v{present} is the first champion of {loop.name}: there is none before it to restore")
    restored = models.version(client, loop.name, before)
    entry = RolledBack(
        key=f"rolled_back:{len(entries)}",
        version=before,
        left=present,
        mlflow_run=restored.run_id,
        reason=reason,
    )
    write(writer, loop, [entry])
    writer.land()
    models.set_champion(client, restored)
    return entry


def former(entries: Entries, present: str) -> Iterator[str]:
    """Yield the champions that a rollback from the present one would restore, the nearest first.

    A promotion puts a version on a stack, a rollback takes off what it left, and what is lost is on it no longer.
    """
    stack: list[str] = []
    for entry in entries:
        if isinstance(entry, Promoted):
            stack.append(entry.version)
        elif isinstance(entry, RolledBack):
            while stack and stack[-1] != entry.version:
                stack.pop()
    gone = {each.version for each in only(entries, Lost)}
    while stack and stack[-1] != present:
        stack.pop()
    yield from (version for version in reversed(stack[:-1]) if version not in gone)
