"""The examples of days at a revision: their features, kept a file a day, and beside each the targets of its rows.

    <var>/features/<loop>/<recipe>/<day>/<shown>.parquet            the features of a day (feature_days)
    <var>/features/<loop>/<recipe>/<day>/<shown>.<told>.parquet     the targets of its rows, null where not known

`told` is a hash of the partitions that the targets were read from: a label that comes later makes a file of its own.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.adapters.data_registry import Registry
from ratchet.contract.loop import Loop
from ratchet.data import examples, features, tables, targets
from ratchet.data.examples import Examples
from ratchet.data.known import PARTITION
from ratchet.lifecycle import dataset, feature_days
from ratchet.lifecycle.records import Record
from ratchet.partitions import shift
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 16  # days whose rows are read at once


def of_days(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> Examples:
    """Return the examples of published days; what is not kept of them is computed.

    Of a loop that says `repeated_key: update` the latest row of a key stands. Raises DataError where there is none.
    """
    kept = feature_days.kept(source, loop, revision, days)
    places = _places(source, loop, revision, kept)
    missing = [day for day, path in places.items() if not path.exists()]
    if missing:
        stand = _latest(loop, kept) if _updates(loop) else {}
        for day, found, column in _targets(source, loop, revision, missing, kept):
            examples.write(places[day], found, _only(column, stand.get(day)))
    home = folder(loop)
    found = Examples(home, tuple(examples.read(home, day, kept[day], places[day]) for day in days))
    if not found.num_rows:
        raise targets.none_known(loop)
    return found


def of_run(loop: Loop, record: Record) -> Examples:
    """Return the examples that a run was trained on, as they were then."""
    source = dataset.existing()
    revision = source.resolve(record.data["revision"])
    return of_days(source, loop, revision, dataset.published(source, loop, revision, *record.trained))


def named(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> dict[str, str]:
    """Return for each published day a name of what its features and targets are at a revision."""
    kept = feature_days.kept(source, loop, revision, days)
    places = _places(source, loop, revision, kept)
    return {day: path.relative_to(folder(loop)).with_suffix("").as_posix() for day, path in places.items()}


def folder(loop: Loop) -> Path:
    """Say below which folder all of it lies."""
    return Settings.current().features / loop.name


def _targets(
    source: Registry, loop: Loop, revision: str, days: Sequence[str], kept: Mapping[str, Path]
) -> Iterator[tuple[str, pa.Table, pa.Table]]:
    """Compute the targets of days, some days at a time: day, its features, and their targets as one column."""
    import pyarrow.compute as pc

    labels = dataset.table(source, loop, loop.label_table, revision, days[0], "9999") if loop.label_table else None
    for chunk in (days[start : start + CHUNK] for start in range(0, len(days), CHUNK)):
        for first, last in feature_days.spans(chunk):
            rows = dataset.rows(source, loop, loop.main, revision, first, last)
            told = targets.compute(loop, rows, labels)
            for day in (day for day in chunk if first <= day <= last):
                found = tables.read_table(kept[day])
                own = told.filter(pc.equal(told.column(PARTITION), day))
                yield day, found, features.with_target(loop, found, own).select([loop.target.name])


def _places(source: Registry, loop: Loop, revision: str, kept: Mapping[str, Path]) -> dict[str, Path]:
    """Say where the targets of days are kept, beside their features."""
    told = _told(source, loop, revision, [*kept])
    return {day: path.with_name(f"{path.stem}.{told[day]}.parquet") for day, path in kept.items()}


def _told(source: Registry, loop: Loop, revision: str, days: Sequence[str]) -> dict[str, str]:
    """Return for each day a hash of the partitions that its targets are read from.

    They are its own; those of a table that brings labels, from the day on; and the later ones, whose rows stand.
    """
    later = dataset.published(source, loop, revision, days[0], days[-1]) if _updates(loop) else []
    brought = source.partitions(loop.name, loop.label_table, revision) if loop.label_table else []
    own = {day: f"{dataset.path(loop, loop.main, day)}.dvc" for day in {*days, *later}}
    labels = {day: f"{dataset.path(loop, str(loop.label_table), day)}.dvc" for day in brought}
    texts = source.texts_of({*own.values(), *labels.values()}, revision)
    of_rows = _since(later, [texts.get(own[day], "") for day in later])
    of_labels = _since(brought, [texts.get(labels[day], "") for day in brought])
    return {
        day: feature_days.hash_of([texts.get(own[day], ""), of_labels(day), of_rows(shift(day, 1))]) for day in days
    }


def _since(days: Sequence[str], texts: Sequence[str]) -> Callable[[str], str]:
    """Return what gives, of days in order and their texts, a hash of all texts from a day on."""
    hashes = [""]
    for text in reversed(texts):
        hashes.append(feature_days.hash_of([text, hashes[-1]]))
    return lambda day: hashes[len(days) - bisect.bisect_left(days, day)]


def _updates(loop: Loop) -> bool:
    return loop.main_table.repeated_key == "update"


def _latest(loop: Loop, kept: Mapping[str, Path]) -> dict[str, pa.Array]:
    """Say of each row of days whether it is the latest of its key: day -> truths."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    keys = [*dict.fromkeys([*loop.main_table.key, PARTITION])]
    parts = {day: parquet.ParquetFile(path).read(columns=keys) for day, path in kept.items()}
    whole = pa.concat_tables([part.replace_schema_metadata(None) for part in parts.values()])
    numbered = whole.append_column("_ratchet_place", pa.array(np.arange(whole.num_rows)))
    stands = np.zeros(whole.num_rows, dtype=bool)
    stands[features.latest(numbered, loop.main_table.key).column("_ratchet_place").to_numpy()] = True
    ends = np.cumsum([part.num_rows for part in parts.values()])
    return {day: pa.array(each) for day, each in zip(parts, np.split(stands, ends[:-1]), strict=True)}


def _only(told: pa.Table, stand: pa.Array | None) -> pa.Table:
    """Leave the targets of the rows that stand; the others' are not known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if stand is None:
        return told
    (name,) = told.column_names
    column = told.column(name)
    return pa.table({name: pc.if_else(stand, column, pa.scalar(None, column.type))})
