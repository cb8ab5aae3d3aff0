"""Part what a source delivers by days: a row belongs to the day that its time says, UTC.

What belongs to no day that was asked for stays with the rows that it came with: a later step puts it into quarantine,
where it can be seen.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.contract.table import Table
from ratchet.data import conversion, tables
from ratchet.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = b"ratchet.day"
_HELD = 256 * 2**20  # bytes in memory, of a range of days, before they are put aside


def of_day(table: pa.Table, day: dt.date) -> pa.Table:
    """Mark a table whose rows were delivered as those of one day, whatever their time says."""
    return table.replace_schema_metadata({_DAY: day.isoformat().encode()})


def by_day(
    rows: pa.Table | Iterable[pa.Table], spec: Table, days: list[str], scratch: Path
) -> Iterator[tuple[str, pa.Table]]:
    """Yield each day with its rows, in order of days. A day without rows is a table of no rows.

    scratch: a folder of its own, where rows wait that are too many to be held. Raises DataError where a column of one
    name comes twice.
    """
    held: dict[str, list[pa.Table]] = defaultdict(list)
    aside, size, empty = defaultdict[str, list[Path]](list), 0, None
    for piece in _pieces(rows):
        empty = piece.slice(0, 0) if empty is None else empty
        for day, part in _parts(piece, spec, days):
            held[day].append(part)
            size += part.nbytes
        if size > _HELD and len(days) > 1:
            for day, parts in held.items():
                aside[day].append(scratch / f"{day}-{len(aside[day])}.parquet")
                tables.write_table(tables.storable(join(parts, spec)), aside[day][-1])
            held.clear()
            size = 0
    for day in days:
        parts = [*map(tables.read_table, aside[day]), *held.pop(day, [])]
        yield day, join(parts, spec) if parts else empty if empty is not None else tables.empty(spec.columns)


def join(parts: list[pa.Table], spec: Table) -> pa.Table:
    """Join pieces of a day.

    A column of several types becomes text; one of the contract's that some row lacks is dropped.
    """
    import pyarrow as pa

    if len(parts) == 1:
        return parts[0]
    filled = [part for part in parts if part.num_rows] or parts[:1]
    lost = {name for part in filled for name in spec.columns if name not in part.column_names}
    names = list(dict.fromkeys(name for part in filled for name in part.column_names if name not in lost))
    columns = {}
    for name in names:
        there = [part.column(name) if name in part.column_names else pa.nulls(part.num_rows) for part in filled]
        kinds = {column.type for column in there if column.type != pa.null()}
        if len(kinds) > 1:
            there = [conversion.text(column, spec, name) if column.type != pa.null() else column for column in there]
            kinds = {pa.string()}
        kind = kinds.pop() if kinds else pa.null()
        chunks = [column.cast(kind) if column.type != kind else column for column in there]
        columns[name] = pa.chunked_array(
            [chunk for column in chunks for chunk in (column.chunks if hasattr(column, "chunks") else [column])], kind
        )
    return pa.table(columns)


def _pieces(rows: pa.Table | Iterable[pa.Table]) -> Iterator[pa.Table]:
    import pyarrow as pa

    for piece in [rows] if isinstance(rows, pa.Table) else rows:
        table = piece if isinstance(piece, pa.Table) else pa.table(piece)
        doubled = [name for n, name in enumerate(table.column_names) if name in table.column_names[:n]]
        if doubled:
            raise DataError(f"The source delivered two columns {doubled[0]!r}. Name one otherwise in its SELECT")
        yield table


def _parts(piece: pa.Table, spec: Table, days: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """Cut a piece by the days of its rows, their order kept."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    marked = (piece.schema.metadata or {}).get(_DAY)
    if marked or len(days) == 1:
        yield marked.decode() if marked else days[0], piece.replace_schema_metadata(None)
        return
    if spec.time not in piece.column_names or not piece.num_rows:
        if piece.num_rows:
            yield days[0], piece
        return
    dates = tables.days(conversion.moments(piece, spec))
    place = pc.index_in(dates, pa.array(days).cast(pa.date32()))
    first = pc.min(place).as_py() or 0  # strays stay with the first day that came with them
    order = place.fill_null(first).to_numpy()
    if order.min() == order.max():
        yield days[int(order[0])], piece
        return
    if not np.all(order[:-1] <= order[1:]):
        sort = np.argsort(order, kind="stable")
        piece, order = piece.take(pa.array(sort)), order[sort]
    edges = np.searchsorted(order, np.arange(len(days) + 1))
    for day, start, end in zip(days, edges[:-1], edges[1:], strict=True):
        if end > start:
            yield day, piece.slice(start, end - start)
