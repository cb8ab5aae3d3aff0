"""Fetch: bring a delivery of one or more days from the source into staging, as it came."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ratchet import extensions, partitions
from ratchet.contract.loop import Loop
from ratchet.data import sources, tables
from ratchet.errors import DataError, SourceError
from ratchet.files import atomic, slug
from ratchet.lifecycle import dataset, nights
from ratchet.partitions import Days
from ratchet.settings import Settings
from ratchet.steps import Key, StepRequest, StepResult

if TYPE_CHECKING:
    import pyarrow as pa


class FetchRequest(StepRequest):
    """Which days to bring."""

    partitions: Days  # a day or a range
    delivery: Key = ""  # a name for this delivery; by default the partitions themselves


class FetchResult(StepResult):
    """What was brought."""

    delivery: str  # its name
    rows: dict[str, int]  # partition -> rows of the first table


def run(loop: Loop, request: FetchRequest) -> FetchResult:
    """Fetch each day; a day that is already staged with the same content is left as it is."""
    source = cast("sources.SourceModule", extensions.find("sources", loop.source.kind, loop.folder))
    options = source.Options.model_validate(loop.source.options)
    delivery, days = slug(request.delivery or request.partitions), partitions.parse(request.partitions)
    waits = nights.waits_for(dataset.registry(), loop.name, days[0], request.delivery)
    if waits:
        return FetchResult(reason=waits[0].told, outcome="waiting", delivery=delivery, rows={})
    rows, changed = {}, False
    for day in days:
        date = dt.date.fromisoformat(day)
        found = source.fetch(options, sources.Asked(date, date, loop.folder, loop.tables))
        missing = [name for name in loop.tables if name not in found]
        if missing:
            raise SourceError(
                f"The source {loop.source.kind} delivered no table {', '.join(missing)} for {day}. Mend source.options"
            )
        delivered = {name: _usable(name, found[name]) for name in loop.tables}
        folder = staged(loop, delivery, day)
        hashes = {name: tables.content_hash(table) for name, table in delivered.items()}
        if not _same(folder, hashes):
            changed = True
            with atomic(folder) as temporary:
                temporary.mkdir()
                for name in hashes:
                    tables.write_table(delivered[name], temporary / f"{name}.parquet")
        rows[day] = delivered[loop.main].num_rows
    return FetchResult(
        reason=f"fetched {sum(rows.values()):,} rows of {len(rows)} days from {loop.source.kind}",
        outcome="done" if changed else "unchanged",
        delivery=delivery,
        rows=rows,
    )


def staged(loop: Loop, delivery: str, day: str) -> Path:
    """Say where a delivery of a day lies between fetch and publish."""
    return Settings.current().staging / loop.name / slug(delivery) / day


def _usable(name: str, table: pa.Table) -> pa.Table:
    """Return a delivered table as it can be stored. Raises DataError where two columns have one name."""
    doubled = [column for column, count in Counter(table.column_names).items() if count > 1]
    if doubled:
        raise DataError(
            f"The source delivered {name} with two columns {doubled[0]!r}. Name one otherwise in its SELECT"
        )
    return tables.storable(table)


def _same(folder: Path, hashes: dict[str, str]) -> bool:
    """Say whether these contents are staged already, and whole: a damaged file is fetched anew."""
    try:
        return all(
            tables.content_hash(tables.read_table(folder / f"{name}.parquet")) == digest
            for name, digest in hashes.items()
        )
    except DataError:
        return False
