"""Publish: write what was accepted into the data registry, one commit a partition.

Keep what was not in quarantine there.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet import partitions
from ratchet.adapters import storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.decisions import shadows
from ratchet.decisions.deliveries import DeliveryVerdict, parse
from ratchet.decisions.nights import State
from ratchet.errors import DataError
from ratchet.lifecycle import corrections, dataset, due, ledger, nights
from ratchet.partitions import Days
from ratchet.steps import Key, Outcome, StepRequest, StepResult
from ratchet.steps.fetch import staged

if TYPE_CHECKING:
    import pyarrow as pa


_log = logging.getLogger("ratchet")
_TOLD = 5  # corrections that the reason tells one by one


class PublishRequest(StepRequest):
    """Which delivery to publish."""

    partitions: Days = Field(description="The days of the delivery.")
    delivery: Key = Field(default="", description="The name that fetch gave it.")


class PublishResult(StepResult):
    """What was published."""

    revision: str  # of the data registry after it
    published: list[str]  # partitions that now hold this delivery
    rows: int  # accepted, of the first table
    quarantined: int  # rows, of all tables
    nights: list[str] = Field(default_factory=list)  # days to be scored and monitored
    corrected: list[str] = Field(default_factory=list)  # what each correction reaches, and each day that came late


def run(loop: Loop, request: PublishRequest) -> PublishResult:
    """Publish each day that was accepted. The same delivery published before changes nothing."""
    delivery = request.delivery or request.partitions
    registry = dataset.registry()
    again = due.days(registry, loop, request.partitions)
    verdicts = {day: _verdict(loop, delivery, day) for day in [*again, *partitions.parse(request.partitions)]}
    files = {day: _files(loop, verdict, staged(loop, delivery, day) / "judged") for day, verdict in verdicts.items()}
    # Before the registry is held: a remote may be slow, and every loop's writers would wait for it.
    pointers = registry.storage.add({path: source for placed in files.values() for path, source in placed.items()})
    done = writing.change(registry, partial(_publish, loop, verdicts, files, pointers, again))
    return PublishResult.model_validate(
        {
            "reason": _told(loop, verdicts, done),
            "outcome": _outcome({day: each for day, each in verdicts.items() if day not in again}, done),
            "revision": done.revision,
            "published": _of(verdicts, "accepted"),
            "rows": sum(v.tables[loop.main].accepted for v in verdicts.values()),
            "quarantined": sum(v.quarantined for v in verdicts.values()),
            "nights": done.nights,
            "corrected": done.corrected,
        }
    )


@dataclass(frozen=True)
class _Done:
    """What publishing has changed."""

    revision: str  # at which the delivery is published
    changed: frozenset[str]  # days
    corrected: list[str]  # what each correction reaches
    nights: list[str]  # days to be scored and monitored
    champion: bool  # there is one


def _publish(
    loop: Loop,
    verdicts: dict[str, DeliveryVerdict],
    files: dict[str, dict[str, Path]],
    pointers: dict[str, str],
    again: list[str],
    writer: Writer,
) -> _Done:
    """Commit each day, from its own files alone; all of them land together.

    files: day -> path in the registry -> where it lies now. pointers: path -> the text of its .dvc. again: days that
    came again because their labels are due: the night that brings them measures them, and none is lived for them.
    """
    registry = writer.registry
    if lost := [path for path, text in pointers.items() if not registry.storage.has(storage.parse(text, path)[0])]:
        placed = {path: source for of_day in files.values() for path, source in of_day.items()}
        registry.storage.add({path: placed[path] for path in lost})  # pruned since
    changed = {day: verdict for day, verdict in verdicts.items() if not _known(registry, loop, verdict)}
    held, coming = {*registry.partitions(loop.name, loop.main, "HEAD")}, nights.coming(registry, loop.name)
    corrected = []
    for day, verdict in changed.items():
        old = _before(registry, loop, verdict, held, coming)
        if old is not None:
            after = {name: tables.read_table(files[day][dataset.path(loop, name, day)]) for name in loop.tables}
            if told := corrections.write(writer, loop, verdict, coming, old, after):
                corrected.append(told)
        _commit(writer, loop, verdict, {path: pointers[path] for path in files[day]})
    revision = writer.registry.head()
    lived = _nights(writer, loop, verdicts, {*changed} - {*again}, revision)
    champion = bool(ledger.champions(writer.registry.ledger(loop.name)))
    return _Done(revision, frozenset(changed), corrected, lived, champion)


def _outcome(verdicts: dict[str, DeliveryVerdict], done: _Done) -> Outcome:
    if _of(verdicts, "rejected"):
        return "refused"
    if not _of(verdicts, "accepted"):
        return "skipped"
    return "done" if done.changed else "unchanged"


def _told(loop: Loop, verdicts: dict[str, DeliveryVerdict], done: _Done) -> str:
    """Say what was published, and what that changes."""
    refused, accepted = _of(verdicts, "rejected"), _of(verdicts, "accepted")
    if refused:
        why = "; ".join(f"{day} {verdicts[day].reason}" for day in refused)
        return (
            f"{why}. The delivery is kept whole. Where the contract or the suite was wrong, mend it, and then: "
            f"ratchet quarantine readmit {loop.name} DAY; where the source was, mend that and ingest the day again"
        )
    if not accepted:
        return "; ".join(f"{day} {verdict.reason}" for day, verdict in verdicts.items())
    rows, kept = (
        sum(v.tables[loop.main].accepted for v in verdicts.values()),
        sum(v.quarantined for v in verdicts.values()),
    )
    said = [f"already published: {rows:,} rows of {len(accepted)} days"]
    if done.changed:
        said = [f"published {rows:,} rows of {len(accepted)} days, {kept} rows in quarantine"]
    said += done.corrected[:_TOLD]
    if len(done.corrected) > _TOLD:
        said.append(f"and {len(done.corrected) - _TOLD} more days came late or again")
    if not done.nights and not done.champion:
        said.append("there is no champion yet, and nothing is scored")
    return "; ".join(said)


def _of(verdicts: dict[str, DeliveryVerdict], status: str) -> list[str]:
    return [day for day, verdict in verdicts.items() if verdict.status == status]


def _nights(
    writer: Writer, loop: Loop, verdicts: dict[str, DeliveryVerdict], changed: set[str], revision: str
) -> list[str]:
    """End the open nights that nothing follows, and return the days that are to be scored and monitored."""
    nights.settle(writer, loop)
    taken = {night.partition for night in nights.opened(writer.registry, loop.name)}
    states: dict[str, State] = {"rejected": "refused", "empty": "rested"}
    for status, state in states.items():
        for day in _of(verdicts, status):
            if day in taken:
                nights.end(writer, loop, [day], state, verdicts[day].reason)
    accepted = _of(verdicts, "accepted")
    nights.know(writer, loop, accepted, revision)
    entries = writer.registry.ledger(loop.name)
    if ledger.champions(entries) or shadows.challengers(entries):
        return [day for day in accepted if day in taken or day in changed]
    history = [day for day in accepted if day in taken]
    if history:
        nights.end(writer, loop, history, "published", "there was no champion yet: nothing to score")
    return []


def quarantine_path(loop: Loop, partition: str, delivery: str, table: str) -> str:
    """Say where the quarantined rows of a delivery lie in the data registry."""
    return f"{loop.name}/quarantine/{partition}/{delivery[:12]}/{table}.parquet"


def _verdict(loop: Loop, delivery: str, day: str) -> DeliveryVerdict:
    path = staged(loop, delivery, day) / "judged" / "verdict.json"
    if not path.exists():
        raise DataError(
            f"No verdict on {loop.name} {day} in {path.parent}. "
            f"Run: ratchet step validate --loop {loop.name} --partitions {day}"
        )
    return parse(path.read_text(encoding="utf-8"), str(path))


def _before(
    registry: Registry, loop: Loop, verdict: DeliveryVerdict, held: set[str], coming: str
) -> dict[str, pa.Table] | None:
    """Return what is published of a day before an accepted delivery: empty tables where it comes late.

    None where it is neither late nor corrects anything. held: days that are published. coming: the night to come.
    """
    day = verdict.partition
    if verdict.status != "accepted" or (day not in held and not day < coming):
        return None
    paths = {name: dataset.path(loop, name, day) for name in loop.tables}
    pointers = registry.texts_of([f"{path}.dvc" for path in paths.values()]) if day in held else {}
    there = [path for path in paths.values() if f"{path}.dvc" in pointers]
    try:
        found = registry.read(there, registry.head()) if there else {}
    except DataError as error:  # damaged: it is delivered again, and takes its place
        _log.warning("what was published of %s cannot be compared with: %s", day, error)
        return None
    return {name: found[path] for name, path in paths.items() if path in found}


def _known(registry: Registry, loop: Loop, verdict: DeliveryVerdict) -> bool:
    """Say whether a delivery was published, and what it has brought is there and whole."""
    if registry.verdict(loop.name, verdict.partition) != verdict:
        return False
    paths = [dataset.path(loop, name, verdict.partition) for name in _brought(loop, verdict)]
    texts = registry.texts_of(f"{path}.dvc" for path in paths)
    whole = (registry.storage.has(storage.parse(text, path)[0]) for path, text in texts.items())
    return len(texts) == len(paths) and all(whole)


def _files(loop: Loop, verdict: DeliveryVerdict, judged: Path) -> dict[str, Path]:
    """Return what a delivery brings of a day: path in the registry -> where it lies now."""
    day, files = verdict.partition, dict[str, Path]()
    for name in loop.tables:
        if name in _brought(loop, verdict):
            files[dataset.path(loop, name, day)] = judged / "accepted" / f"{name}.parquet"
        kept = judged / "quarantined" / f"{name}.parquet"
        if kept.exists():
            files[quarantine_path(loop, day, verdict.delivery, name)] = kept
    for source in files.values():
        tables.read_table(source)  # a damaged file is refused here, not found in a training
    return files


def _brought(loop: Loop, verdict: DeliveryVerdict) -> list[str]:
    """List the tables that a delivery publishes: each for itself, where the first has no rows."""
    if verdict.status == "empty":
        return [name for name in loop.tables if verdict.tables[name].accepted]
    return [*loop.tables] if verdict.status == "accepted" else []


def _commit(writer: Writer, loop: Loop, verdict: DeliveryVerdict, pointers: dict[str, str]) -> None:
    """Commit a day: its tables, what is in quarantine of it, its verdict. pointers: path -> the text of its .dvc."""
    day = verdict.partition
    if verdict.status == "accepted":
        # An accepted delivery supersedes what earlier ones of the day left in quarantine; Git's history keeps it.
        for old in writer.registry.texts_below(f"{loop.name}/quarantine/{day}"):
            writer.remove(old)
    for name, pointer in pointers.items():
        writer.write(f"{name}.dvc", pointer)
    path = f"{loop.name}/verdicts/{day}.json"
    writer.write(path, json.dumps(verdict.model_dump(), indent=1, sort_keys=True) + "\n")
    title = {"accepted": "Publish", "rejected": "Refuse", "empty": "Note the empty"}[verdict.status]
    counts = "\n".join(
        f"{name}: {part.fetched} fetched, {part.accepted} accepted, {part.quarantined} quarantined"
        for name, part in verdict.tables.items()
    )
    writer.commit(f"{title} {loop.name} {day}\n\n{verdict.reason}\n\n{counts}\nDelivery: {verdict.delivery}\n")
