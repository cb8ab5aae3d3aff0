"""Days of real flights, as the loop's features are given them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ratchet import catalog, partitions
from ratchet.data import conversion
from ratchet.data.known import PARTITION
from ratchet.data.sources import Asked, nycflights


def days(first: str, last: str) -> dict[str, pa.Table]:
    """Return the tables of some days, each row with its partition."""
    loop = catalog.load("flight_delays")
    parts: dict[str, list[pa.Table]] = {name: [] for name in loop.tables}
    for day in partitions.parse(f"{first}..{last}"):
        asked = Asked(dt.date.fromisoformat(day), dt.date.fromisoformat(day), Path())
        for name, table in nycflights.fetch(nycflights.Options(), asked).items():
            plain = conversion.conform(table, loop.tables[name].columns)
            parts[name].append(plain.append_column(PARTITION, pa.array([day] * plain.num_rows, pa.string())))
    return {name: pa.concat_tables(found) for name, found in parts.items()}


def since(given: dict[str, pa.Table], first: str) -> dict[str, pa.Table]:
    """Keep the days from one on."""
    return {name: table.filter(pc.greater_equal(table.column(PARTITION), first)) for name, table in given.items()}
