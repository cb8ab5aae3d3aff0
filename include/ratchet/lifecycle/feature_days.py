"""Features, a file a day: computed once, and read by training, scoring, monitoring and replay alike.

    <var>/features/<loop>/<recipe>/<day>/<shown>.parquet   the features of a day, with their proof
    <var>/features/<loop>/<recipe>/<day>/<data>.json       what was published, and the `shown` that it comes to

`recipe` is a hash of the SQL and of what the contract says of tables and labels, `shown` one of what the day's views
show. So a correction computes anew the days that see it, and what becomes known after a day changes nothing in it.
Targets are no part of it: they are read at the revision. All of it can be made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.data import features, known, proof, tables, targets
from ratchet.data.features import PARTITION
from ratchet.data.proof import Proof, Why
from ratchet.errors import DataError
from ratchet.files import write_text
from ratchet.lifecycle import dataset
from ratchet.lifecycle.dataset import Held
from ratchet.lifecycle.progress import Progress
from ratchet.linting import references
from ratchet.partitions import days_between, shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1  # of what is kept, and of how it is computed
PROOF = b"ratchet.proof"  # metadata of a day's file
WORTH = 5.0  # seconds of work from which on other processes help
CHUNK = 16  # days that a process is given at once: it reads most of their tables once
ENOUGH, RECENT = 64, 30  # rows that are proved at least, within so many of the newest days
NEAR = 7  # days: what lies between two is read with them


def of_range(source: Registry, loop: Loop, revision: str, first: str, last: str) -> pa.Table:
    """Return features and targets of the published days from `first` to `last`, in order of days and keys.

    Of a loop that says `repeated_key: update` the latest row of a key stands. Raises DataError where there is no day.
    """
    days = dataset.published(source, loop, revision, first, last)
    if not days:
        raise DataError(
            f"No partition of {loop.name} between {first} and {last} is published at {revision[:10]}. "
            f"Ingest some: ratchet data log {loop.name} shows what there is"
        )
    return of_days(source, loop, revision, days)


def of_days(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> pa.Table:
    """Return features and targets of published days, in order of days and keys."""
    import pyarrow as pa

    found = pa.concat_tables(
        [tables.read_table(path).replace_schema_metadata(None) for path in kept(source, loop, revision, days).values()]
    )
    told = []
    for first, last in spans(days):
        rows = dataset.rows(source, loop, loop.main, revision, first, last)
        labels = dataset.table(source, loop, loop.label_table, revision, first, "9999") if loop.label_table else None
        told.append(targets.compute(loop, rows, labels))
    whole = features.with_target(loop, found, _only(pa.concat_tables(told), days))
    return features.latest(whole, loop.main_table.key) if loop.main_table.repeated_key == "update" else whole


def kept(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> dict[str, Path]:
    """Return where the features of published days are kept, day by day, computed where they are not."""
    folder, published = Settings.current().features / loop.name / recipe(loop), _published(source, loop, revision, days)
    notes = {day: folder / day / f"{published[day]}.json" for day in days}
    found = {day: _noted(note) for day, note in notes.items()}
    _make(source, loop, revision, {day: notes[day] for day, path in found.items() if path is None})
    return {day: path or _place(notes[day]) for day, path in found.items()}


def names(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> dict[str, str]:
    """Name what `of_days` returns of each day: a hash of what it is made of, features, targets and late labels."""
    made, published, labels = recipe(loop), _published(source, loop, revision, days), list[tuple[str, str]]()
    if loop.label_table:
        brought = source.partitions(loop.name, loop.label_table, revision)
        files = {day: f"{dataset.path(loop, loop.label_table, day)}.dvc" for day in brought if day >= min(days)}
        texts = source.texts_of(files.values(), revision)
        labels = [(day, texts.get(file, "")) for day, file in files.items()]
    return {day: hash_of([made, published[day], *(text for came, text in labels if came >= day)]) for day in days}


def proved(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> int:
    """Return of how many rows the features of days are proved, all of which a training may see.

    Raises DataError where features see more than was known, and where too little is proved.
    """
    told = {day: _proof(path) for day, path in kept(source, loop, revision, days).items()}
    differ: dict[str, list[tuple[str, Why]]] = {}
    for day, (_, about) in told.items():
        for name, why in about.differ.items():
            differ.setdefault(name, []).append((day, why))
    if differ:
        path = loop.folder / loop.features.sql
        found = sorted((references.defined(path, name), name) for name in differ)
        told_of = "; ".join(f"{path}:{line}: {_told(name, differ[name], len(days))}" for line, name in found)
        whys = dict.fromkeys(why for where in differ.values() for _, why in where)
        raise DataError(
            f"{told_of}. A model would be trained on what nobody knew when its row was asked about. "
            f"{' '.join(proof.how(loop, why) for why in whys)} Then: ratchet lint --data {loop.name}"
        )
    newest = [each for day, each in told.items() if day > shift(days[-1], -RECENT)]
    rows, there = sum(about.rows for _, about in newest), sum(count for count, _ in newest)
    if rows < min(ENOUGH, there // 3):
        raise DataError(
            f"The features of {rows:,} rows of {loop.name} are proved to see nothing that is known later, of {there:,} "
            f"in the {RECENT} days up to {days[-1]}; {min(ENOUGH, there // 3)} are needed. Ingest more days"
        )
    return sum(about.rows for _, about in told.values())


def _told(name: str, where: list[tuple[str, Why]], days: int) -> str:
    whys = " and ".join(dict.fromkeys(proof.SAID[why] for _, why in where))
    return f"the feature {name!r} {whys} (on {len(where)} of {days} days, the first {where[0][0]})"


def _proof(path: Path) -> tuple[int, Proof]:
    """Read how many rows a day has, and what was proved of them when their features were computed."""
    from pyarrow import parquet

    about = parquet.read_metadata(path)
    return about.num_rows, Proof(**json.loads(about.metadata[PROOF]))


def _make(source: Registry, loop: Loop, revision: str, notes: dict[str, Path]) -> None:
    """Compute days, in processes where that is worth it."""
    left, held, progress = dict(notes), Held(), Progress("computed the features of", len(notes))
    while left:
        day, started = next(iter(left)), time.monotonic()
        _keep(source, loop, revision, day, left.pop(day), held)
        progress.done(day)
        if len(left) * (time.monotonic() - started) > WORTH and (os.cpu_count() or 1) > 1:
            _share(source, loop, revision, left, progress)
            return


def _share(source: Registry, loop: Loop, revision: str, notes: dict[str, Path], progress: Progress) -> None:
    """Compute days in processes, each day alone as ever."""
    days, place = [*notes.items()], (source.root, source.remote, source.git_remote)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        chunks = [days[start : start + CHUNK] for start in range(0, len(days), CHUNK)]
        jobs = [pool.submit(_chunk, place, loop, revision, chunk) for chunk in chunks]
        for chunk, job in zip(chunks, jobs, strict=True):
            job.result()
            for day, _ in chunk:
                progress.done(day)


def _chunk(place: tuple[Path, str, str], loop: Loop, revision: str, notes: list[tuple[str, Path]]) -> None:
    source, held = Registry(*place), Held()
    for day, note in notes:
        _keep(source, loop, revision, day, note, held)


def _keep(source: Registry, loop: Loop, revision: str, day: str, note: Path, held: Held) -> None:
    """Compute and prove the features of a day, where what it shows is new; note under which name they are."""
    begin = shift(day, -loop.features.lookback_days)
    before = shift(begin, -1 - loop.features.lookback_days)
    for place in [place for place in held if place[1] < before]:
        del held[place]
    given = {name: dataset.table(source, loop, name, revision, begin, day, held) for name in loop.tables}
    seen = known.cut(loop, given, day, known.end_of(day))
    shown = _digest(seen)
    path = note.with_name(f"{shown}.parquet")
    if not path.exists():
        older = {name: dataset.table(source, loop, name, revision, before, day, held) for name in loop.tables}
        found = features.select(loop, seen, day)
        proved = proof.prove(loop, given, older, day, found, shown)
        tables.write_table(found.replace_schema_metadata({PROOF: json.dumps(proved.dump()).encode()}), path)
    write_text(note, json.dumps({"shown": shown}))


def _noted(note: Path) -> Path | None:
    """Return the file in which the features of a day are kept; None where they are not."""
    return path if note.exists() and (path := _place(note)).exists() else None


def _place(note: Path) -> Path:
    return note.with_name(f"{json.loads(note.read_text(encoding='utf-8'))['shown']}.parquet")


def _published(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> dict[str, str]:
    """Return for each day a hash of the partitions that its views are made of."""
    back = range(loop.features.lookback_days, -1, -1)
    files = {
        day: [f"{dataset.path(loop, name, shift(day, -n))}.dvc" for name in loop.tables for n in back] for day in days
    }
    texts = source.texts_of({file for of_day in files.values() for file in of_day}, revision)
    return {day: hash_of([texts.get(file, "") for file in of_day]) for day, of_day in files.items()}


def recipe(loop: Loop) -> str:
    """Hash what decides, beside the data, what the features of a day are."""
    import duckdb

    about: dict[str, Any] = {
        "format": FORMAT,
        "duckdb": duckdb.__version__,
        "sql": (loop.folder / loop.features.sql).read_text(encoding="utf-8"),
        "contract": loop.model_dump(
            mode="json", include={"tables", "features", "target", "labels", "label_delay_days"}
        ),
    }
    return hash_of([json.dumps(about, sort_keys=True)])


def _digest(seen: dict[str, pa.Table]) -> str:
    """Hash what the views of a day show, in its order: values and types, whatever the chunks."""
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name}\n{tables.ordered_hash(seen[name])}\n".encode())
    return digest.hexdigest()[:32]


def hash_of(parts: Sequence[str]) -> str:
    """Name what is made of these texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _only(told: pa.Table, days: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return told.filter(pc.is_in(told.column(PARTITION), value_set=pa.array([*days], pa.string())))


def spans(days: Sequence[str]) -> list[tuple[str, str]]:
    """Part days where they lie far apart: what is between is not read."""
    spans = [[days[0], days[0]]]
    for day in days[1:]:
        if days_between(spans[-1][1], day) > NEAR:
            spans.append([day, day])
        spans[-1][1] = day
    return [(first, last) for first, last in spans]
