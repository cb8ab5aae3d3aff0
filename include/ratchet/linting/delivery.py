"""Ask a source for one day, and say what of it the contract does not expect."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ratchet import extensions
from ratchet.adapters import expectations
from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.contract.table import Table
from ratchet.data import conversion, parting, sources
from ratchet.errors import ContractError, RatchetError
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

Where = tuple[str | int, ...]


def mistakes(loop: Loop, day: dt.date) -> tuple[list[ContractError], list[str]]:
    """Return what a source's delivery of a day lacks, has of another type, or its suite refuses; and notes."""
    source = cast("sources.SourceModule", extensions.find("sources", loop.source.kind, loop.folder))
    asked = sources.Asked(day, day, loop.folder, loop.tables)
    try:
        found = source.fetch(source.Options.model_validate(loop.source.options), asked)
        delivered = {name: _of_day(found[name], table, day) for name, table in loop.tables.items() if name in found}
    except RatchetError as error:
        where = ("source", *_named(loop.source.options, str(error), ("options",)))
        return [fail(loop, where, f"asked for {day} (another day: --day): {error}")], asked.notes
    wrong, notes = [], [*asked.notes]
    for name, table in loop.tables.items():
        if name not in delivered:
            text = f"the source {loop.source.kind} delivers no table {name!r} for {day}; {nearest(name, list(found))}"
            wrong.append(fail(loop, ("tables", name), text))
            continue
        of_columns = [*_columns(loop, name, table, delivered[name], day)]
        wrong += of_columns or _suite(loop, name, delivered[name], day, notes)
        new = [column for column in delivered[name].column_names if column not in table.columns]
        rows = delivered[name].num_rows
        told = f"; new columns {', '.join(new)}, kept" if new else "" if rows else "; name a day that has some: --day"
        notes.append(f"{name}: {rows:,} rows of {day}{told}")
    return wrong, notes


def _columns(loop: Loop, name: str, table: Table, found: pa.Table, day: dt.date) -> Iterator[ContractError]:
    """Yield the columns that are not there, or hold what does not fit their type."""
    missing = [column for column in table.columns if column not in found.column_names]
    for column in missing:
        spare = [each for each in found.column_names if each not in table.columns]
        text = f"the delivery of {day} has no column {column!r}"
        where = ("tables", name, "columns", column)
        yield fail(loop, where, f"{text}; {nearest(column, spare or found.column_names)}")
    there = {column: kind for column, kind in table.columns.items() if column not in missing}
    done = conversion.convert(found, table.model_copy(update={"columns": there}))
    for column in done.misfits:
        count, first = done.lost(column)
        text = f"asked for {day}: {count:,} of {found.num_rows:,} rows hold what is no {there[column]} in"
        said = f"{text} {column!r} (found {found.schema.field(column).type}), the first is row {first}"
        how = ", or say how it is written: decimal, date_format" if conversion.is_text(found.column(column)) else ""
        yield fail(loop, ("tables", name, "columns", column), f"{said}. Correct the type, or the source{how}")


def _suite(loop: Loop, name: str, found: pa.Table, day: dt.date, notes: list[str]) -> list[ContractError]:
    """Return why a suite would refuse the delivery; what it would only keep apart or warn of goes to `notes`."""
    if not found.num_rows:
        return []
    table, suites = loop.tables[name], Settings.current().suites
    rows, where = conversion.convert(found, table).table, ("tables", name, "suite")
    try:
        check = expectations.hold(rows, suites, table.suite, table.key)
    except ContractError as error:
        return [fail(loop, where, str(error))]
    why = Counter(each for row, whys in check.broken.items() if row not in check.copies for each in whys)
    told = ", ".join(f"{count:,} × {each}" for each, count in why.most_common(5))
    broken = len(check.broken) - len(check.copies)
    share = broken / found.num_rows
    if check.warnings:
        notes.append(f"{name}: suite {table.suite} warns: {'; '.join(check.warnings)}")
    if broken and share <= table.tolerance:
        notes.append(f"{name}: {broken:,} rows of {day} would go to quarantine: {told}")
    refused = [*check.refused]
    if share > table.tolerance:
        refused.append(f"{share:.1%} of the rows break it ({told}), tolerated are {table.tolerance:.1%}")
    how = f"Mend the source, or {suites / 'expectations' / table.suite}.json"
    text = f"suite {table.suite} would refuse the delivery of {day}: {'; '.join(refused)}. {how}"
    return [fail(loop, where, text)] if refused else []


def _of_day(rows: Any, table: Table, day: dt.date) -> pa.Table:
    """Return what was delivered as one table."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(parting.by_day(rows, table, [day.isoformat()], Path(folder)))[day.isoformat()]


def _named(options: Any, message: str, where: Where) -> Where:
    """Return the place of the option whose value a message names; the options as a whole where it names none."""
    for key, value in options.items() if isinstance(options, Mapping) else ():
        if isinstance(value, Mapping):
            if (inner := _named(value, message, (*where, key))) != (*where, key):
                return inner
        elif isinstance(value, str) and value and value in message:
            return (*where, key)
    return where
