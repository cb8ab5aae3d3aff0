"""A few made-up rows of each table of a loop, for SQL to run over: they join, and each has some history."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ratchet.contract.loop import Loop
from ratchet.contract.table import ColumnType, Table
from ratchet.data import tables
from ratchet.data.features import PARTITION

if TYPE_CHECKING:
    import pyarrow as pa

DAY = dt.date(2024, 3, 15)  # the newest, a Friday
_HOURS = (3, 8, 13, 18, 20)
Row = dict[str, Any]


def made(loop: Loop) -> dict[str, list[Row]]:
    """Make rows of the newest day, and of two before it where the SQL looks back so far; the newest row is the last.

    Every other row is of one group, so that the newest has some history. All times but a row's own lie after it.
    A table of labels has the keys of the first table.
    """
    days = [DAY - dt.timedelta(days=n) for n in range(min(loop.features.lookback_days, 2), -1, -1)]
    moments = [dt.datetime.combine(day, dt.time(hour)) for day in days for hour in _HOURS]
    found = {
        name: [_row(table, number, moment) for number, moment in enumerate(moments)]
        for name, table in loop.tables.items()
    }
    for row, asked in zip(found.get(loop.labels or "", ()), found[loop.main], strict=False):
        row |= {name: asked[name] for name in loop.main_table.key}
    return found


def arrow(loop: Loop, rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    """Return made-up rows as the features' SQL is given them."""
    import pyarrow as pa

    known, found = tables.types(), {}
    for name, table in loop.tables.items():
        schema = pa.schema([(column, known[kind]) for column, kind in table.columns.items()])
        days = [str(row[table.time].date()) for row in rows[name]]
        made = pa.Table.from_pylist([{c: row[c] for c in table.columns} for row in rows[name]], schema=schema)
        found[name] = made.append_column(PARTITION, pa.array(days, pa.string()))
    return found


def _row(table: Table, number: int, moment: dt.datetime) -> Row:
    """Make a row. A key without the time is told apart by its first column."""
    apart = None if table.time in table.key else table.key[0]
    return {
        name: moment if name == table.time else _value(kind, number if name == apart else number % 2, number, moment)
        for name, kind in table.columns.items()
    }


def _value(kind: ColumnType, group: int, number: int, moment: dt.datetime) -> Any:
    values: dict[ColumnType, Any] = {
        "string": f"v{group}",
        "int64": group,
        "float64": number % 5 + 1.5,
        "bool": number % 2 == 0,
        "timestamp": moment + dt.timedelta(minutes=90, seconds=group),
        "date": moment.date() + dt.timedelta(days=group if group > 1 else 0),
    }
    return values[kind]
