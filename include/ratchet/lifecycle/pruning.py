"""What a loop need not keep: found by its contract's `keep`, and taken away.

Never taken: a decision and what it rests on; what a registered version's manifest names (its partitions as of its
revision, its run, its model); what a duel still needs. Data are let go by their day, beside the newest of their loop;
what can be made again, by its age on the disk.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet import catalog
from ratchet.adapters import models, runs, storage, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, hypothesis, lifecycle, shadows
from ratchet.decisions.entries import Entries, Judged, Promoted, only
from ratchet.lifecycle import dataset, evidence, feature_days, nights, predictions, records
from ratchet.partitions import parse, shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking

_DAY = 86400.0
_HALF_WRITTEN = _DAY  # seconds after which what a killed process was writing is nobody's


def work(loop: Loop) -> list[Path]:
    """List what can be made again and was not touched for `keep.work_days`, and what killed processes have left."""
    settings, limit = Settings.current(), time.time() - loop.keep.work_days * _DAY
    entries = dataset.registry().ledger(loop.name)
    runs_needed = set(in_duels(entries))
    needed = {predictions.folder(loop, run) for run in runs_needed} | {
        settings.models / "runs" / r for r in runs_needed
    }
    needed |= {settings.models / loop.name / each for each in (lifecycle.champion(entries),) if each}
    places = [
        *(settings.staging / loop.name).glob("*"),
        *(path for path in (settings.snapshots / loop.name).glob("*") if path.name != "runs"),
        *(path for path in (settings.features / loop.name).glob("*") if path.name != feature_days.recipe(loop)),
        *(settings.models / loop.name).glob("*"),
        *(settings.models / "runs").glob("*"),
        *(settings.predictions / loop.name / "shadow").glob("*"),
        *(settings.predictions / loop.name / "intercepts").glob("*"),
    ]
    old = [path for path in places if path not in needed and _touched(path) < limit]
    if loop.keep.data_days is not None:  # features are of the rows that are let go
        last = _limit(loop, loop.keep.data_days)
        old += [path for path in (settings.features / loop.name).glob("*/*") if path.name < last]
    return old + [path for path in _half_written(settings) if _touched(path) < time.time() - _HALF_WRITTEN]


def pages(loop: Loop) -> list[Path]:
    """List the pages of nights that are older than `keep.pages_days`, beside the newest partition."""
    settings, limit = Settings.current(), _limit(loop, loop.keep.pages_days)
    nights = (path for path in (settings.reports / loop.name).glob("*/*.html") if _is_day(path.parent.name))
    docs = (path for path in (settings.data_docs / loop.name).glob("*/*.html") if _is_day(path.stem))
    return [path for path in nights if path.parent.name < limit] + [path for path in docs if path.stem < limit]


def partitions(loop: Loop) -> list[str]:
    """List the days older than `keep.data_days` of which there is something: accepted rows, or those put aside."""
    if loop.keep.data_days is None:
        return []
    registry, limit = dataset.registry(), _limit(loop, loop.keep.data_days)
    found = {day for table in loop.tables for day in registry.partitions(loop.name, table, "HEAD")}
    found |= {path.split("/")[2] for path in registry.pointers(f"{loop.name}/quarantine")}
    return sorted(day for day in found if day < limit)


def let_go(loop: Loop, days: list[str]) -> None:
    """Take partitions out of the newest revision; Git's history knows that they were there, and their verdicts stay."""
    if not days:
        return

    def act(writer: Writer) -> None:
        for day in days:
            for table in loop.tables:
                writer.remove(f"{dataset.path(loop, table, day)}.dvc")
            for path in writer.registry.texts_below(f"{loop.name}/quarantine/{day}"):
                writer.remove(path)
        span = days[0] if len(days) == 1 else f"{days[0]}..{days[-1]}"
        writer.commit(f"Prune {span} of {loop.name}\n\nOlder than keep.data_days: {loop.keep.data_days}\n")

    writing.change(dataset.registry(), act)


def blobs(loop: Loop, client: Tracking, going: Collection[str] = ()) -> set[str]:
    """List the MD5 of what nothing needs any more: no newest revision of any loop, no manifest, no open night.

    That is, of partitions older than `keep.data_days`, and of rows that were replaced `keep.superseded_days` ago; of
    them what is still there. going: partitions that are yet to be let go.
    """
    registry = dataset.registry()
    named = _named(registry)
    leaving = {path for path in named if path.startswith(f"{loop.name}/") and _day(path) in going}
    found = {*_let_go(registry, loop), *(named.pop(path) for path in leaving)}
    found = {digest for digest in found if registry.storage.holds(digest)}
    if not found:
        return set()
    for name in catalog.names():
        found -= set(manifests(registry, catalog.load(name), client))
    return found - {*named.values()}


def take_away(digests: set[str]) -> int:
    """Remove contents for good, but for those that a commit names by now; return their bytes.

    The registry is held: nobody can name one of them meanwhile.
    """
    if not digests:
        return 0
    with writing.held(dataset.registry()) as writer:
        return writer.registry.storage.remove(digests - {*_named(writer.registry).values()})


def manifests(registry: Registry, loop: Loop, client: Tracking) -> Iterator[str]:
    """Yield the MD5 of every file that a registered version was made of, or a run that may still become one."""
    runs_needed = {version.run_id for version in models.versions(client, loop.name)}
    for run in runs_needed | set(in_duels(registry.ledger(loop.name))):
        record = records.find(loop, run)
        data = record.data if record else {}  # a version that somebody has registered by hand was made of nothing here
        days = [day for name in ("read", "train", "holdout") if data.get(name) for day in parse(data[name])]
        if not days or not data.get("revision"):
            continue
        first, last = min(days), max(days)
        if not data.get("read"):  # as 0.1 wrote it
            first = shift(first, -loop.features.lookback_days)
        for path, text in registry.pointers(f"{loop.name}/data", data["revision"]).items():
            if first <= _day(path) <= last:
                yield storage.parse(text, path)[0]


def unneeded_runs(loop: Loop, client: Tracking) -> list[str]:
    """List the MLflow runs older than `keep.runs_days` that no version names, and that no decision will read."""
    if loop.keep.runs_days is None:
        return []
    entries = dataset.registry().ledger(loop.name)
    needed = {version.run_id for version in models.versions(client, loop.name)} | set(in_duels(entries))
    needed |= {run for each in only(entries, Promoted) for run in (each.mlflow_run, each.evaluated)}
    latest = {each.line: each for each in only(entries, Judged)}  # the next of its line owes what it has lost
    needed |= {each.evaluated for name, each in latest.items() if name == hypothesis.line(loop, entries, each.recipe)}
    old = runs.begun_before(client, loop.name, time.time() - loop.keep.runs_days * _DAY)
    return [run for run in old if run not in needed]


def forget(loop: Loop, gone: Collection[str]) -> None:
    """Take away the records of runs that were let go, and the days of their duels."""

    def act(writer: Writer) -> None:
        for run in gone:
            record = records.find(loop, run, writer.registry)
            for path in (*(records.files(loop.name, record) if record else ()), evidence.path(loop.name, run)):
                writer.remove(path)
        writer.commit(f"Let the records of {len(gone)} runs of {loop.name} go")

    if gone:
        writing.change(dataset.registry(), act)


def remove(paths: Iterable[Path]) -> int:
    """Remove files and folders; return their bytes."""
    gone = 0
    for path in paths:
        gone += sum(_size(file) for file in (path, *_below(path)))
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return gone


def _let_go(registry: Registry, loop: Loop) -> Iterator[str]:
    """Yield what lay in a loop's partitions and quarantine once, and by its contract need not any more."""
    keep, now = loop.keep, time.time()
    if keep.data_days is None and keep.superseded_days is None:
        return
    limit = _limit(loop, keep.data_days) if keep.data_days is not None else ""
    replaced = now - keep.superseded_days * _DAY if keep.superseded_days is not None else 0.0
    for path, text, until in registry.replaced(f"{loop.name}/data", f"{loop.name}/quarantine"):
        if _day(path) < limit or until < replaced:
            yield storage.parse(text, path)[0]


def in_duels(entries: Entries) -> Iterator[str]:
    """Yield the runs that a night may still look at: of who waits, wins, may come back or is an anchor."""
    for each in shadows.challengers(entries):
        yield each.mlflow_run
    for win in lifecycle.pending(entries):
        yield from (win.mlflow_run, win.evaluated)
    before, deployed = shadows.predecessor(entries), {each.version: each for each in only(entries, Promoted)}
    anchor, held = anchors.anchor(entries), [each for each in only(entries, Judged) if each.against]
    if held:
        yield held[-1].evaluated  # the next challenger owes what this one has lost
    kept = {lifecycle.champion(entries), before.version if before else None}
    for version in kept | ({anchor.name, anchor.best} if anchor else set()):
        if version in deployed:
            yield from (deployed[version].mlflow_run, deployed[version].evaluated)


def _named(registry: Registry) -> dict[str, str]:
    """Return the MD5 of all that the newest revision names, of every loop, and of what open nights know: path -> MD5.

    The path of the latter begins with the revision that the night knows.
    """
    found = registry.pointers("")
    for loop in registry.folders():
        for night in nights.opened(registry, loop):
            if night.revision:
                known = registry.pointers(f"{loop}/data", night.revision)
                found |= {f"{night.revision}:{path}": text for path, text in known.items()}
    return {path: storage.parse(text, path)[0] for path, text in found.items()}


def _limit(loop: Loop, days: int) -> str:
    """Return the first day that is kept, so many days before the newest one, or before the oldest open night.

    So many published days are kept in any case: one that is dated far ahead lets nothing go.
    """
    registry = dataset.registry()
    published = registry.partitions(loop.name, loop.main, "HEAD")
    if len(published) < days:
        return ""
    oldest = min((night.partition for night in nights.opened(registry, loop.name)), default=published[-1])
    return min(shift(min(published[-1], oldest), 1 - days), published[-days])


def _half_written(settings: Settings) -> Iterator[Path]:
    for folder in (
        settings.staging,
        settings.snapshots,
        settings.features,
        settings.models,
        settings.predictions,
        settings.reports,
    ):
        yield from (path for path in _below(folder) if path.name.startswith(".") and path.suffix in (".tmp", ".old"))


def _below(folder: Path) -> Iterator[Path]:
    """Yield what lies below a folder. Others may be at work in it: what is gone in between is passed over."""
    for place, folders, files in os.walk(folder):
        yield from (Path(place) / name for name in (*folders, *files))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _day(path: str) -> str:
    """Return the partition that a path of the registry is of; one that is never old where it is of none."""
    return next((part.partition(".")[0] for part in Path(path).parts if _is_day(part.partition(".")[0])), "9999")


def _is_day(text: str) -> bool:
    return len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdigit()


def told(counts: Mapping[str, int]) -> str:
    """Say what was counted, in words."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing"
