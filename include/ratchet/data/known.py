"""What was known at a moment: the tables of a loop without the rows that came later, and null where a value did.

A row is known from the table's `known_at` on, by default its own time. A row of the first table is known from when it
is asked about, so that its own features can be computed at all; of an earlier day, from the beginning of that day. A
column may be known later than its row (`known_at` of the column); a column that says when another is known is known
then itself, where it does not name the row. What target.sql reads is a label, by default known at the end of the day
that is `label_delay_days` after its partition's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.data import sql, tables
from ratchet.errors import ContractError

if TYPE_CHECKING:
    import pyarrow as pa

PARTITION = "_ratchet_partition"
ASKED = "_ratchet_asked"  # of rows of the first table: when they are asked about, where that was computed
_LAST = dt.timedelta(days=1) - dt.timedelta(microseconds=1)


def end_of(day: str) -> dt.datetime:
    """Return the last moment of a day, UTC."""
    return dt.datetime.fromisoformat(day) + _LAST


def nothing(loop: Loop, name: str) -> pa.Table:
    """Return a table of the loop with its partition, and no rows."""
    return tables.empty({**loop.tables[name].columns, PARTITION: "string"})


def labels(loop: Loop) -> list[str]:
    """List the columns of the first table that target.sql reads, in its order: they are not known with their row."""
    known = {name.lower(): name for name in loop.main_table.columns}
    found = (known.get(name.lower()) for name in sql.columns(loop.target.sql))
    return [name for name in dict.fromkeys(found) if name]


def late(loop: Loop) -> list[str]:
    """List the labels that count as known `label_delay_days` after: of which neither contract nor a table says when."""
    spec, brought = loop.main_table, loop.tables[loop.label_table].columns if loop.label_table else {}
    aside = {spec.time, *spec.key, *spec.known, *spec.known.values(), *brought}
    return [column for column in labels(loop) if column not in aside]


def cut(loop: Loop, given: Mapping[str, pa.Table], day: str, moment: dt.datetime) -> dict[str, pa.Table]:
    """Return what was known at a moment of a day, or of its end.

    given: the tables, each with its partition; where the first has `_ratchet_asked` its rows are known from then on.
    Raises ContractError where a row of the day is not known on it.
    """
    return {name: _cut(loop, name, table, day, moment) for name, table in given.items()}


def _cut(loop: Loop, name: str, table: pa.Table, day: str, moment: dt.datetime) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    spec, at = loop.tables[name], pa.scalar(moment, pa.timestamp("us"))
    if not table.num_rows:
        return table
    when = table.column(spec.known_at or spec.time)
    if name == loop.main and not spec.known_at and ASKED in table.column_names:
        when = pc.coalesce(table.column(ASKED), _begin(table))
    known = pc.fill_null(pc.less_equal(when, at), False)
    if name == loop.main and ASKED not in table.column_names:
        _refuse_later(loop, table, known, day)
    if not pc.all(known).as_py():
        table = table.filter(known)
    for column, told in _later(loop, name, table):
        there = pc.fill_null(pc.less_equal(told, at), False)
        if not pc.all(pc.or_(there, pc.is_null(table.column(column)))).as_py():
            place, values = table.column_names.index(column), table.column(column)
            empty = pa.scalar(None, values.type)
            table = table.set_column(place, column, pc.if_else(there, values, empty))
    return table


def _later(loop: Loop, name: str, table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Yield the columns that are known later than their row, with when."""
    import pyarrow as pa
    import pyarrow.compute as pc

    spec = loop.tables[name]
    moments = {at: table.column(at) for at in spec.known.values()}
    for column, at in spec.known.items():
        yield column, moments[at]
    for at, told in moments.items():
        if at not in (spec.time, *spec.key, *spec.known):
            yield at, told
    if name != loop.main:
        return
    if columns := late(loop):
        delay = dt.timedelta(days=loop.label_delay_days) + _LAST
        told = pc.add(_begin(table), pa.scalar(delay, pa.duration("us")))
        yield from ((column, told) for column in columns)


def _begin(table: pa.Table) -> pa.ChunkedArray:
    """Return when the day of each row begins."""
    import pyarrow as pa

    return table.column(PARTITION).cast(pa.date32()).cast(pa.timestamp("us"))


def _refuse_later(loop: Loop, table: pa.Table, known: pa.ChunkedArray, day: str) -> None:
    """Raise ContractError where rows of the day itself are known after it: they cannot be asked about on their day."""
    import pyarrow.compute as pc

    later = pc.and_(pc.equal(table.column(PARTITION), day), pc.invert(known))
    if count := pc.sum(later).as_py():
        spec = loop.main_table
        raise ContractError(
            f"{loop.folder / 'loop.yaml'}: {count:,} rows of {loop.main} of {day} are known after their day, or never: "
            f"known_at names {spec.known_at}. Name a column that says when a row can be asked about, or leave it out"
        )
