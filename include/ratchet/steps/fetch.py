"""Fetch: bring a delivery of one or more days from the source into staging, as it came."""

from __future__ import annotations

import datetime as dt
import filecmp
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import Field

from ratchet import extensions, partitions
from ratchet.contract import resting
from ratchet.contract.loop import Loop
from ratchet.data import parting, sources, tables
from ratchet.errors import RequestError, SourceError
from ratchet.files import atomic, slug
from ratchet.lifecycle import dataset, due, nights
from ratchet.partitions import Days
from ratchet.settings import Settings
from ratchet.steps import Key, StepRequest, StepResult

_AT_ONCE = 366  # days that a source is asked for in one reading


class FetchRequest(StepRequest):
    """Which days to bring."""

    partitions: Days = Field(description="The days to bring.")
    delivery: Key = Field(default="", description="A name for this delivery; by default the partitions themselves.")


class FetchResult(StepResult):
    """What was brought."""

    delivery: str  # its name
    rows: dict[str, int]  # partition -> rows of the first table


def run(loop: Loop, request: FetchRequest) -> FetchResult:
    """Fetch the days, and those before them whose labels are due; what is staged already and the same stays."""
    source = cast("sources.SourceModule", extensions.find("sources", loop.source.kind, loop.folder))
    options = source.Options.model_validate(loop.source.options)
    delivery, days = slug(request.delivery or request.partitions), partitions.parse(request.partitions)
    if days[-1] >= (today := dt.datetime.now(dt.UTC).date().isoformat()):
        raise RequestError(
            f"{days[-1]} is not over: a partition is fetched when its day has ended, UTC, and it is {today} there. "
            "Ask for it tomorrow"
        )
    registry = dataset.registry()
    waits = nights.waits_for(registry, loop.name, days[0], request.delivery)
    if waits:
        return FetchResult(reason=waits[0].told, outcome="waiting", delivery=delivery, rows={})
    again = due.days(registry, loop, request.partitions)
    rows, changed, notes = dict[str, int](), False, list[str]()
    newest = max([days[-1], *nights.known(registry, loop.name)])
    wanted = [*again, *days]
    rest = {day: resting.rests(loop.schedule, dt.date.fromisoformat(day)) for day in wanted}
    for span in due.spans(wanted, _AT_ONCE):
        asked = _asked(loop, span, rest, newest)
        found = source.fetch(options, asked)
        missing = [name for name in loop.tables if name not in found]
        if missing:
            raise SourceError(
                f"The source {loop.source.kind} delivered no table {', '.join(missing)} for {span[0]}. "
                "Mend source.options"
            )
        rows_of_span, differs = _stage(loop, delivery, span, found)
        rows, changed = rows | rows_of_span, changed or differs
        notes += asked.notes
    for day in days:
        if not rows[day]:
            notes.append(f"{day} rests: {rest[day]}" if rest[day] else f"{day} has no rows, and is no day of rest")
    said = f"fetched {sum(rows.values()):,} rows of {len(rows)} days from {loop.source.kind}"
    if again:
        said += f", {', '.join(again)} again: labels are due"
    return FetchResult(
        reason="; ".join([said, *notes[:20]]),
        outcome="done" if changed else "unchanged",
        delivery=delivery,
        rows=rows,
    )


def staged(loop: Loop, delivery: str, day: str) -> Path:
    """Say where a delivery of a day lies between fetch and publish."""
    return Settings.current().staging / loop.name / slug(delivery) / day


def _asked(loop: Loop, days: list[str], rest: Mapping[str, str], newest: str) -> sources.Asked:
    """Say what a source is asked for. rest: why no rows are expected of a day, or nothing."""
    first, last, latest = map(dt.date.fromisoformat, (days[0], days[-1], newest))
    resting_days = frozenset(dt.date.fromisoformat(day) for day in days if rest[day])
    return sources.Asked(first, last, loop.folder, loop.tables, resting_days, latest)


def _stage(loop: Loop, delivery: str, days: list[str], found: sources.Delivered) -> tuple[dict[str, int], bool]:
    """Write the rows of each day; return how many the first table has of each, and whether any is new."""
    rows, changed, target = dict.fromkeys(days, 0), False, staged(loop, delivery, days[0]).parent
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as name_of_folder:
        temporary = Path(name_of_folder)
        for name, spec in loop.tables.items():
            scratch = temporary / "aside" / name
            scratch.mkdir(parents=True)
            for day, table in parting.by_day(found[name], spec, days, scratch):
                tables.write_table(tables.storable(table), temporary / day / f"{name}.parquet")
                if name == loop.main:
                    rows[day] = table.num_rows
        for day in days:
            if not _same(temporary / day, target / day):
                changed = True
                with atomic(target / day) as whole:
                    (temporary / day).rename(whole)
    return rows, changed


def _same(new: Path, old: Path) -> bool:
    """Say whether the files of a day are staged already, byte by byte."""
    return all((old / each.name).is_file() and filecmp.cmp(each, old / each.name, False) for each in new.iterdir())
