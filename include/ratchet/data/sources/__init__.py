"""Where data come from. One file a source: `Options`, and `fetch(options, asked) -> {table: rows}`.

To add one, write `sources/<kind>.py` in the loop's folder, or give a distribution an entry point in the group
`ratchet.sources` (see ratchet.extensions); its name is what `source.kind` of a loop.yaml says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from ratchet.contract.table import Table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Asked:
    """What a source is asked for: all rows of some days, from midnight to midnight, UTC."""

    first: dt.date  # of the days
    last: dt.date  # the last of them, included
    folder: Path  # the loop's own, for files that options name relative to it
    tables: Mapping[str, Table] = field(default_factory=dict)  # the contract's, with types and the column of the time
    resting: frozenset[dt.date] = frozenset()  # days of them on which no rows are expected, by the contract's calendar
    newest: dt.date | None = None  # the newest day that the loop knows of: a day before it is asked for again, or late
    notes: list[str] = field(default_factory=list)  # what a person should know of this delivery: a source adds to it

    @property
    def days(self) -> list[dt.date]:
        """The days, in order."""
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def start(self) -> dt.datetime:
        """The moment at which the days begin."""
        return dt.datetime.combine(self.first, dt.time())

    @property
    def end(self) -> dt.datetime:
        """The moment at which they are over, which belongs to them no more."""
        return dt.datetime.combine(self.last, dt.time()) + dt.timedelta(days=1)


Delivered = Mapping[str, "pa.Table | Iterable[pa.Table]"]


class SourceModule(Protocol):
    """What the file of a source holds."""

    Options: type[BaseModel]

    def fetch(self, options: Any, asked: Asked) -> Delivered:
        """Deliver the tables of the days that are asked for, reading the source once: each whole, or piece by piece.

        The rows are parted by their `time` afterwards: what belongs to no day that was asked for goes to quarantine. No
        rows are a table of no rows. A value is delivered as it came: the contract's types are a later step's.
        Raises SourceError where the source cannot be read, DataError where what it holds is damaged.
        """
        ...
