"""Inspect a delivered table: which rows are accepted, which are not and why, and what refuses it whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ratchet.adapters import expectations
from ratchet.adapters.expectations import Check
from ratchet.contract.loop import Loop
from ratchet.contract.table import Table
from ratchet.data import conversion, tables
from ratchet.data.conversion import Converted
from ratchet.errors import DataError
from ratchet.lifecycle.repeats import Keys
from ratchet.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Inspection:
    """What was found of a table."""

    accepted: pa.Table  # in the contract's types
    broken: dict[int, list[str]] = field(default_factory=dict)  # row, from 0 on -> why it is not accepted
    refused: list[str] = field(default_factory=list)  # why the whole is not
    notes: list[str] = field(default_factory=list)  # what is only noted
    checked: Check | None = None  # what Great Expectations found


def inspect(keys: Keys, loop: Loop, name: str, day: str, raw: pa.Table) -> Inspection:
    """Hold a table of a day to its types, its day, its keys and its suite.

    keys: of the other days. raw: the table as it was fetched.
    """
    import numpy as np

    spec, rows = loop.tables[name], raw.num_rows
    try:
        done = conversion.convert(raw, spec)
    except DataError as error:
        return Inspection(raw.slice(0, 0), refused=[str(error)])
    if not rows:
        return Inspection(done.table, notes=[*done.notes, "no rows"])
    refused = [why for column in done.misfits if (why := _retyped(raw, done, spec, name, column))]
    broken = _misplaced(keys, loop, name, day, done)
    fits = np.ones(rows, dtype=bool)
    fits[list(broken)] = False
    places = np.flatnonzero(fits)
    kept = done.table.filter(fits) if broken else done.table
    suites = Settings.current().suites
    check = expectations.hold(kept, suites, spec.suite, spec.key)
    copies = {int(places[row]) for row in check.copies}
    broken |= {int(places[row]): names for row, names in check.broken.items()}
    refused += check.refused
    share = (len(broken) - len(copies)) / rows
    if share > spec.tolerance and not refused:
        counts = Counter(each for row, whys in broken.items() if row not in copies for each in whys)
        worst, count = counts.most_common(1)[0]
        refused.append(
            f"{share:.1%} of {rows} rows break an expectation, tolerated are {spec.tolerance:.1%}; "
            f"{count} break {worst}"
        )
    fits[list(broken)] = False
    accepted = done.table.filter(fits) if broken else done.table
    copied = [f"{len(copies)} exact copies of other rows"] if copies else []
    return Inspection(accepted, broken, refused, [*done.notes, *check.warnings, *copied], check)


def _misplaced(keys: Keys, loop: Loop, name: str, day: str, done: Converted) -> dict[int, list[str]]:
    """Find the rows that cannot be judged as they stand: row -> why."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    spec, found = loop.tables[name], dict[int, list[str]]()

    def add(rows: NDArray[np.bool_], why: str) -> None:
        for row in np.flatnonzero(rows):
            found.setdefault(int(row), []).append(why)

    for column, lost in done.misfits.items():
        add(lost.to_numpy(zero_copy_only=False), f"{column} is no {spec.columns[column]}")
    moment = done.table.column(spec.time)
    unread = done.misfits.get(spec.time)
    absent = pc.is_null(moment) if unread is None else pc.and_(pc.is_null(moment), pc.invert(unread))
    add(absent.to_numpy(), f"{spec.time} is missing")
    other = pc.not_equal(tables.days(moment), pa.scalar(day).cast(pa.date32()))
    add(other.fill_null(False).to_numpy(), f"{spec.time} is of another day")
    add(keys.elsewhere(name, done.table), f"{', '.join(spec.key)} is the key of another day")
    return found


def _retyped(raw: pa.Table, done: Converted, spec: Table, name: str, column: str) -> str:
    """Say that more values of a column do not fit its type than the table tolerates; nothing where they are few."""
    (count, first), rows = done.lost(column), raw.num_rows
    if count / rows <= spec.tolerance:
        return ""
    kind = spec.columns[column]
    said = (
        f"type change of {column}: found {raw.column(column).type}, expected {kind}; {count:,} of {rows:,} rows do not "
        f"fit, the first is row {first:,}"
    )
    if kind in ("timestamp", "date") and spec.format_of(column) is None:
        said += f". Dates in text are read as ISO 8601: say otherwise in tables.{name}.date_format"
    return said
