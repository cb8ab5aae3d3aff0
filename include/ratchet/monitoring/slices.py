"""The slices of rows, on two sides alike: a level of a category, or a range of a number.

Ranges are the quarters of the baseline's own values, so that a number that moves fills some and empties others. Null is
a level. Levels of few rows on both sides, and those beyond the most frequent, are one: `(others)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ratchet.text import one_line

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

LEAST = 30  # rows of a level on one of the sides: fewer, and it is pooled
MOST = 20  # levels of a column that stay apart
LONGEST = 80  # characters of a level in its name
PARTS = 4  # ranges of a number
NULL, OTHERS = "(null)", "(others)"


@dataclass(frozen=True)
class Column:
    """A column's slices: their names, and which of them each row of either side is of."""

    name: str
    slices: tuple[str, ...]
    baseline: NDArray[np.int64]
    recent: NDArray[np.int64]


def columns(
    baseline: pa.Table, recent: pa.Table, categorical: Sequence[str], numeric: Sequence[str]
) -> Iterator[Column]:
    """Yield the columns that both sides have and that part their rows, one after the other."""
    there = {*baseline.column_names} & {*recent.column_names}
    for name in (each for each in categorical if each in there):
        yield from _apart(name, f"{name}=", _texts(baseline, name), _texts(recent, name))
    for name in (each for each in numeric if each in there):
        theirs, ours = _numbers(baseline, name), _numbers(recent, name)
        edges = _edges(theirs)
        yield from _apart(name, "", _ranges(name, theirs, edges), _ranges(name, ours, edges))


def _apart(name: str, prefix: str, baseline: NDArray[np.object_], recent: NDArray[np.object_]) -> Iterator[Column]:
    """Yield the column of what each row says; nothing where all say the same."""
    found, index = np.unique(np.concatenate([baseline, recent]).astype(str), return_inverse=True)
    sides = (index[: len(baseline)], index[len(baseline) :])
    held = np.array([np.bincount(side, minlength=len(found)) for side in sides])
    most = held.max(axis=0)
    order = sorted(np.flatnonzero(most >= LEAST).tolist(), key=lambda level: (-int(most[level]), str(found[level])))
    kept = [level for level in order if found[level] != OTHERS][:MOST]
    places = np.full(len(found), len(kept), dtype=np.int64)
    places[kept] = np.arange(len(kept))
    named = [f"{prefix}{found[level]}" for level in kept]
    if len(kept) < len(found):
        named.append(f"{name}={OTHERS}")
    if len(named) > 1:
        yield Column(name, tuple(named), places[sides[0]], places[sides[1]])


def _texts(rows: pa.Table, name: str) -> NDArray[np.object_]:
    """Return a category of each row as a person reads it: two that look the same are one."""
    import pyarrow as pa

    coded = rows.column(name).combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    said = np.array([*(one_line(str(each), LONGEST) for each in coded.dictionary.to_pylist()), NULL], dtype=object)
    return np.asarray(said[coded.indices.fill_null(len(said) - 1).to_numpy(zero_copy_only=False)])


def _numbers(rows: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(rows.column(name).to_pandas().astype(float).to_numpy())


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the quarters of a number end, without the last; values that come often make them fewer."""
    there = values[~np.isnan(values)]
    if not len(there):
        return np.zeros(0)
    ends = np.unique(np.quantile(there, np.arange(1, PARTS) / PARTS, method="inverted_cdf"))
    return np.asarray(ends[ends < there.max()])


def _ranges(name: str, values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the range of each value, in words; an end belongs to the range below it."""
    ends = [f"{edge:.6g}" for edge in edges]
    said = [f"{name} ≤ {ends[0]}"] if ends else [f"{name} is there"]
    said += [f"{low} < {name} ≤ {high}" for low, high in pairwise(ends)]
    said += [f"{name} > {ends[-1]}"] if ends else []
    words = np.array([*said, f"{name}={NULL}"], dtype=object)
    return np.asarray(words[np.where(np.isnan(values), len(said), np.searchsorted(edges, values))])
