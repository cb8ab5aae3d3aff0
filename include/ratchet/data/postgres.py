"""What a connection to PostgreSQL is told before it reads, so that each value comes as it is stored.

The session's own settings would change some: its time zone moments, its digits floats, its style dates. So would the
driver, psycopg: it reads jsonb with Python's floats, takes a month for 30 days, and fails at a moment that Python has
none of, as infinity.
"""

from __future__ import annotations

import contextlib
from typing import Any

_SESSION = (
    "SET TIME ZONE 'UTC'",
    "SET datestyle = 'ISO'",
    "SET intervalstyle = 'iso_8601'",
    "SET extra_float_digits = 3",
)


def prepare(raw: Any) -> None:
    """Set a new connection up, and end the transaction in which that was done: the next one only reads."""
    with contextlib.closing(raw.cursor()) as cursor:
        for setting in _SESSION:
            cursor.execute(setting)
    raw.commit()
    if hasattr(raw, "adapters"):  # psycopg's: another driver keeps its own types
        _load_as_stored(raw.adapters)


def _load_as_stored(adapters: Any) -> None:
    from psycopg.types import datetime, string

    for name in ("json", "jsonb", "interval"):
        adapters.register_loader(name, string.TextLoader)
    adapters.register_loader("date", _or_text(datetime.DateLoader))
    adapters.register_loader("timestamp", _or_text(datetime.TimestampLoader))
    adapters.register_loader("timestamptz", _or_text(datetime.TimestamptzLoader))


def _or_text(loader: Any) -> Any:
    """Return a loader that loads as text what Python has no value for: infinity, or a day before the year 1."""
    import psycopg

    class OrText(loader):  # type: ignore[misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except psycopg.DataError:
                return bytes(data).decode()

    return OrText
