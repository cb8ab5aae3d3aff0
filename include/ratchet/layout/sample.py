"""What a sample shows: its rows in Arrow, and of each column its type in the contract and what its values are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ratchet.contract.table import ColumnType
from ratchet.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 100_000  # looked at; more are drawn from
FEW = 20  # values of a column of levels, at most


@dataclass(frozen=True)
class Column:
    """A column of the sample. Bounds and levels are of values that are there; NaN counts as none."""

    name: str
    kind: ColumnType
    rows: int
    nulls: int
    distinct: int
    low: float | None = None  # of numbers
    high: float | None = None
    levels: tuple[str, ...] = ()  # of text with few values that come again and again
    nan: bool = False  # it has values that are no number
    date_format: str | None = None  # how its dates are written, where they are not ISO 8601
    zoned: bool = False  # its times came with a zone
    note: str = ""  # what a person should know of it

    @property
    def empty(self) -> bool:
        """Say whether the sample shows no value of it."""
        return self.nulls == self.rows


@dataclass(frozen=True)
class Sample:
    """A sample of a loop's rows. rows: with columns of the contract's types alone, NaN as null, times in UTC."""

    table: pa.Table
    columns: Mapping[str, Column]
    total: int  # rows that there are, of which the table may hold a part
    decimal: str = "."
    left_out: Mapping[str, str] = field(default_factory=dict)  # columns that the contract cannot hold -> why

    @property
    def rows(self) -> int:
        """Rows that were looked at."""
        return int(self.table.num_rows)

    def need(self, name: str, role: str) -> Column:
        """Return a column by name. Raises RequestError where there is none, with the nearest spelling."""
        from ratchet.contract.reading import nearest

        if name in self.left_out:
            raise RequestError(f"The column {name!r} cannot be {role}: it {self.left_out[name]}")
        if name not in self.columns:
            raise RequestError(f"The sample has no column {name!r}; {nearest(name, list(self.columns))}")
        return self.columns[name]
