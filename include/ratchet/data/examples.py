"""Examples: rows with a known target, as a list of day files by hash, read as a stream of record batches.

A training's history need not fit into memory, a day must. Of each day there are the features of its rows, and the
targets of the same rows in the same order, null where a target is not known: such a row is no example.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.contract.part import Part
from ratchet.data import tables
from ratchet.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


_ROWS, _DIGEST = b"ratchet.examples", b"ratchet.digest"  # metadata of a file of targets


class Day(Part):
    """The examples of a day, in files below a folder."""

    day: str
    features: str
    targets: str
    rows: int  # whose target is known
    digest: str  # of these rows, their features and targets, in their order

    def table(self, folder: Path) -> pa.Table:
        """Read the examples. Raises DataError where a file is damaged or missing, or not that of the other's rows."""
        import pyarrow.compute as pc

        found, told = tables.read_table(folder / self.features), tables.read_table(folder / self.targets)
        if found.num_rows != told.num_rows:
            raise DataError(
                f"{folder / self.targets} is not of the rows of {folder / self.features}. "
                "Delete both and run the step that wrote them again"
            )
        return beside(found, told).filter(pc.is_valid(told.column(0)))


@dataclass(frozen=True)
class Examples:
    """The examples of some days, in order of days and keys."""

    folder: Path  # below which their files lie
    days: tuple[Day, ...]

    @property
    def there(self) -> bool:
        """Say whether all files are there."""
        return all((self.folder / path).exists() for each in self.days for path in (each.features, each.targets))

    @property
    def num_rows(self) -> int:
        """How many there are."""
        return sum(day.rows for day in self.days)

    @property
    def digest(self) -> str:
        """Hash of all of them, as a list of days."""
        return hashlib.sha256("".join(f"{each.day} {each.digest}\n" for each in self.days).encode()).hexdigest()

    @property
    def last(self) -> str:
        """The last day of which there are any."""
        return max(each.day for each in self.days if each.rows)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns: key, partition, `event_time`, features and target."""
        return self.days[0].table(self.folder).schema

    def stream(self) -> pa.RecordBatchReader:
        """Read them a day at a time."""
        import pyarrow as pa

        batches = (batch for table in self.tables() for batch in table.to_batches())
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def tables(self) -> Iterator[pa.Table]:
        """Read them a day at a time, each day a table."""
        return (each.table(self.folder).cast(self.schema) for each in self.days)

    def table(self) -> pa.Table:
        """Read all of them into memory."""
        return self.stream().read_all()

    def targets(self) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Read the targets alone, a day at a time: day and targets, null where not known. Raises DataError."""
        for each in self.days:
            yield each.day, tables.read_table(self.folder / each.targets).column(0)

    def head(self, rows: int) -> pa.Table:
        """Read the first so many."""
        return self._taken(range(min(rows, self.num_rows)))

    def sample(self, rows: int, seed: int) -> pa.Table:
        """Read so many that a seed draws, in their order; all where there are no more (`tables.drawn`)."""
        return self._taken(tables.drawn(self.num_rows, rows, seed))

    def _taken(self, places: Sequence[int] | NDArray[np.int64]) -> pa.Table:
        """Read those at places, which are in order."""
        import numpy as np
        import pyarrow as pa

        parts, begin = [self.schema.empty_table()], 0
        for each in self.days:
            low, high = np.searchsorted(places, [begin, begin + each.rows])
            if high > low:
                parts.append(
                    each.table(self.folder).cast(self.schema).take(pa.array(np.asarray(places[low:high]) - begin))
                )
            begin += each.rows
        return pa.concat_tables(parts)


def write(path: Path, found: pa.Table, told: pa.Table) -> None:
    """Write the targets of a day's rows. found: their features. told: one column, the targets."""
    import pyarrow.compute as pc

    there = beside(found, told).filter(pc.is_valid(told.column(0)))
    about = {_ROWS: str(there.num_rows), _DIGEST: tables.ordered_hash(there)}
    tables.write_table(told.replace_schema_metadata(about), path)


def read(folder: Path, day: str, features: Path, targets: Path) -> Day:
    """Return the examples of a day whose features and targets were written below a folder."""
    from pyarrow import parquet

    about = parquet.read_metadata(targets).metadata
    return Day(
        day=day,
        features=features.relative_to(folder).as_posix(),
        targets=targets.relative_to(folder).as_posix(),
        rows=int(about[_ROWS]),
        digest=about[_DIGEST].decode(),
    )


def beside(found: pa.Table, told: pa.Table) -> pa.Table:
    """Put targets beside the features of the same rows."""
    return found.replace_schema_metadata(None).append_column(told.schema.field(0), told.column(0))
