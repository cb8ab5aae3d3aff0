"""Feature rows as they stood at a revision: a file a day, which versions and processes share by mapping it."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ratchet.contract.loop import Loop
from ratchet.data import tables
from ratchet.files import atomic

_DIGEST = b"ratchet.digest"  # metadata of a day's file


@dataclass(frozen=True)
class DataVersion:
    """Feature rows of all days published at a revision, in order of days, labelled ones and others."""

    loop: Loop
    files: Mapping[str, Path]  # day -> the file that its rows are mapped from; some may have none

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what another process makes it of: the files, whose rows it maps itself."""
        return DataVersion, (self.loop, self.files)

    @cached_property
    def _days(self) -> dict[str, _Day]:
        found = {day: _day(self.files[day]) for day in sorted(self.files)}
        return {day: each for day, each in found.items() if each.rows.num_rows}

    @cached_property
    def days(self) -> list[str]:
        """The days that have rows, in order."""
        return [*self._days]

    @cached_property
    def digests(self) -> dict[str, str]:
        """A hash of each day's rows."""
        return {day: each.digest for day, each in self._days.items()}

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([each.rows.num_rows for each in self._days.values()]).tolist()]

    def _chosen(self, first: str, last: str) -> list[str]:
        return self.days[bisect.bisect_left(self.days, first) : bisect.bisect_right(self.days, last)]

    def bounds(self, first: str, last: str) -> tuple[int, int]:
        """Return the range of rows of the days first..last."""
        return self._starts[bisect.bisect_left(self.days, first)], self._starts[bisect.bisect_right(self.days, last)]

    def between(self, first: str, last: str) -> pa.Table:
        """Return the rows of the days first..last."""
        empty = self._days[self.days[0]].rows.slice(0, 0)
        return pa.concat_tables([self._days[day].rows for day in self._chosen(first, last)] or [empty])

    def keys(self, day: str) -> list[tuple[object, ...]]:
        """Return the keys of a day's rows."""
        return self._days[day].keys(tuple(self.loop.main_table.key))

    def targets(self, first: str, last: str, classes: tuple[str, ...] = ()) -> np.ndarray:
        """Return the targets of the days first..last as numbers, NaN where they are not known.

        classes: of a multiclass model; what is none of them is -1.
        """
        found = [self._days[day].targets(self.loop.target.name, classes) for day in self._chosen(first, last)]
        return np.concatenate(found or [np.empty(0)])

    def labels(self, first: str, last: str) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Yield the targets of the days first..last as they are, null where they are not known: day and targets."""
        for day in self._chosen(first, last):
            yield day, self._days[day].rows.column(self.loop.target.name)

    def content(self, first: str, last: str) -> str:
        """Hash the rows of the days first..last."""
        chosen = self._chosen(first, last)
        return hashlib.sha256("".join(f"{day}{self.digests[day]}" for day in chosen).encode()).hexdigest()


class _Day:
    """What is mapped of a day's file, and what was made of it."""

    def __init__(self, path: Path) -> None:
        mapped = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        self.digest: str = mapped.schema.metadata[_DIGEST].decode()
        self.rows = mapped.replace_schema_metadata(None)
        self._keys: list[tuple[object, ...]] | None = None
        self._targets: dict[tuple[str, ...], np.ndarray] = {}

    def keys(self, names: tuple[str, ...]) -> list[tuple[object, ...]]:
        if self._keys is None:
            self._keys = list(zip(*(self.rows.column(name).to_pylist() for name in names), strict=True))
        return self._keys

    def targets(self, name: str, classes: tuple[str, ...]) -> np.ndarray:
        if classes not in self._targets:
            column = self.rows.column(name)
            if classes:
                index = {each: float(i) for i, each in enumerate(classes)}
                values = [np.nan if value is None else index.get(str(value), -1.0) for value in column.to_pylist()]
                self._targets[classes] = np.array(values, dtype=float)
            else:
                self._targets[classes] = np.asarray(column.to_pandas().astype(float).to_numpy())
        return self._targets[classes]


@cache
def _day(path: Path) -> _Day:
    return _Day(path)


def write(day: str, rows: pa.Table, folder: Path) -> Path:
    """Write a day's rows as an Arrow file, where they are not there yet: its name is of its content."""
    digest = tables.ordered_hash(rows)
    path = folder / f"{day}-{digest[:32]}.arrow"
    if not path.exists():
        whole = rows.combine_chunks().replace_schema_metadata({_DIGEST: digest})
        with (
            atomic(path) as part,
            pa.OSFile(str(part), "wb") as stream,
            pa.ipc.new_file(stream, whole.schema) as writer,
        ):
            writer.write_table(whole)
    return path
