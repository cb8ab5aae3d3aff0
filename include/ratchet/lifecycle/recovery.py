"""Recovery: bring back what MLflow has in its bin, and let go what a loop needs and MLflow has lost.

What is lost for good is let go by entries of the ledger: a challenger leaves, a version is `lost`, and the champion of
before, where one is left, is champion again. Where none is left there is none, and the next training's model comes in
as a first one does. Nothing is let go without a person's word: an MLflow that was named wrongly has lost everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ratchet.adapters import deleted, models, runs, writing
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, lifecycle, shadows
from ratchet.decisions.entries import Entries, Entry, Left, Lost, RolledBack, Won
from ratchet.errors import DataError, ModelLost
from ratchet.lifecycle import dataset, ledger, predictions, proven, pruning, records

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking


@dataclass(frozen=True)
class Missing:
    """A model that a loop needs, and that cannot be read."""

    name: str  # a version, or the MLflow run of a challenger
    role: str  # what it is to the loop
    why: str


def bring_back(loop: Loop) -> list[str]:
    """Bring the experiment, and the runs that a night may still look at, back from MLflow's bin; say what came."""
    with runs.connected() as client:
        return deleted.restore(client, loop.name, [*dict.fromkeys(pruning.in_duels(ledger.read(loop)))])


def missing(loop: Loop) -> list[Missing]:
    """List what is lost of the champion, its predecessor, the anchors, and who waits or has won."""
    entries = ledger.read(loop)
    with runs.connected() as client:
        found = [(version, role, _why(loop, client, version)) for version, role in _versions(entries).items()]
        found += [(run, role, _unread(loop, run)) for run, role in _challengers(entries).items()]
    return [Missing(name, role, why) for name, role, why in found if why]


def files(loop: Loop) -> list[str]:
    """List what drift needs of the champion and cannot read: its training data lie in the registry, to make it anew."""
    with runs.connected() as client:
        champion = ledger.champion(client, loop)
        return _unread_files(loop, client, champion.run_id) if champion else []


def let_go(loop: Loop, lost: Sequence[Missing], reason: str) -> list[Entry]:
    """Let go what is lost; return the entries that say so. reason: a person's."""
    with runs.connected() as client:
        return writing.change(dataset.registry(), partial(_let_go, loop, client, lost, reason))


def _let_go(loop: Loop, client: Tracking, lost: Sequence[Missing], reason: str, writer: Writer) -> list[Entry]:
    entries = writer.registry.ledger(loop.name)
    why = {each.name: f"{reason} ({each.why})" for each in lost}
    challengers: list[shadows.Challenger | Won] = [*shadows.challengers(entries), *lifecycle.pending(entries)]
    left = [
        lifecycle.left(each, f"its model is lost: {why[each.mlflow_run]}")
        for each in challengers
        if each.mlflow_run in why
    ]
    present, before, gone = lifecycle.champion(entries), None, [name for name in _versions(entries) if name in why]
    if present in gone:
        before, passed = _before(loop, client, entries, present)
        why |= {version: f"{reason} ({said})" for version, said in passed.items()}
        gone = [*dict.fromkeys([*gone, *passed])]
    new: list[Entry] = [*left]
    for version in gone:
        vacant = version == present and before is None
        new.append(Lost(key=f"lost:{version}", version=version, vacant=vacant, reason=f"lost: {why[version]}"))
    if present and before:
        back = {"version": before.number, "left": present, "mlflow_run": before.run_id}
        key = f"rolled_back:{len(entries)}"
        new.append(RolledBack(key=key, reason=f"v{present} is lost: {why[present]}", **back))
    written = ledger.write(writer, loop, new)
    writer.land()
    ledger.champion(client, loop)  # sets MLflow's alias right
    return written


def _before(
    loop: Loop, client: Tracking, entries: Entries, present: str
) -> tuple[models.Version | None, dict[str, str]]:
    """Return the nearest former champion that is there, and of those that are passed over, why."""
    passed = dict[str, str]()
    for version in ledger.former(entries, present):
        if not (why := _why(loop, client, version)):
            return models.version(client, loop.name, version), passed
        passed[version] = why
    return None, passed


def _versions(entries: Entries) -> dict[str, str]:
    """Return the versions that a night looks at, and as what."""
    anchor, before = anchors.anchor(entries), shadows.predecessor(entries)
    names = (
        (anchor.best if anchor else None, "the best that was the anchor"),
        (anchor.name if anchor else None, "the anchor"),
        (before.version if before else None, "the predecessor"),
        (lifecycle.champion(entries), "the champion"),
    )
    return {name: role for name, role in names if name and not shadows.trained_with(name)}


def _challengers(entries: Entries) -> dict[str, str]:
    waiting = {each.mlflow_run: f"the challenger {each.run}, in shadow" for each in shadows.challengers(entries)}
    return {
        **waiting,
        **{each.evaluated: f"the challenger {each.run}, which has won" for each in lifecycle.pending(entries)},
    }


def _why(loop: Loop, client: Tracking, number: str) -> str:
    """Say why a version cannot answer or, of the champion, cannot be watched; empty where it can."""
    if why := _said(lambda: _answers(loop, client, number)):
        return why
    return _homeless(loop, client, number) if number == lifecycle.champion(ledger.read(loop)) else ""


def _unread(loop: Loop, run: str) -> str:
    """Say why the models that may stand for a run cannot be read; empty where they can."""
    return _said(lambda: _stands(loop, run))


def _homeless(loop: Loop, client: Tracking, number: str) -> str:
    """Say why what drift needs of a champion is lost for good; empty where it is there, or can be made anew."""
    run = models.version(client, loop.name, number).run_id
    if deleted.there(client, run) or not (names := _unread_files(loop, client, run)):
        return ""
    return f"the MLflow run {run} of v{number} is gone, and with it {', '.join(names)}"


def _unread_files(loop: Loop, client: Tracking, run: str) -> list[str]:
    return [name for name in records.read(loop, run).files if _said(partial(_file, loop, client, run, name))]


def _file(loop: Loop, client: Tracking, run: str, name: str) -> None:
    records.file(loop, client, run, name)


def _answers(loop: Loop, client: Tracking, number: str) -> None:
    version, promoted = models.version(client, loop.name, number), lifecycle.promotion(ledger.read(loop), number)
    if promoted and promoted.mlflow_run != version.run_id:
        raise DataError(f"v{number} is of another run in MLflow than in the ledger: its versions were changed")
    proven.answering(loop, version)
    _stands(loop, version.run_id)


def _stands(loop: Loop, run: str) -> None:
    for each, _ in predictions.contender(loop, run).runs:
        proven.answering(loop, each)


def _said(read: Callable[[], None]) -> str:
    try:
        read()
    except (ModelLost, DataError) as error:
        return str(error).partition(". What is lost,")[0].partition(". Bring MLflow's")[0]
    return ""


def told(entries: Sequence[Entry]) -> Iterator[str]:
    """Say what entries of a recovery have done, a line each."""
    for entry in entries:
        if isinstance(entry, RolledBack):
            yield f"v{entry.version} is the champion again, in place of v{entry.left}"
        elif isinstance(entry, Lost):
            yield f"v{entry.version} was let go"
        elif isinstance(entry, Left):
            yield f"{entry.run} waits no longer"
