"""Find columns that a model must not learn from: they tell the target, they grow with time, or they say nothing.

What is found is a suspicion with its reason: whether a column is known when the prediction is asked for, only a person
can say. A sample of the rows is looked at, the same at every call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from ratchet.data import sums, tables

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["determines", "summed", "grows", "constant"]
Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Codes = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

ROWS, SEED = 20_000, 0  # so many are looked at, drawn so
FEWEST = 20  # rows, below which nothing is said but that a column is constant
_ALIKE = 0.999  # correlation, of values or of ranks
_AUC = 0.995
_MISSED = 0.01  # share of the majority guess's errors that a map from a column may make
_LEVELS = 8  # steps in one direction that are no accident
_CYCLES = ("day", "month", "day_of_week", "quarter")  # they begin again soon


@dataclass(frozen=True)
class Leak:
    """Columns that look like a leak, of which kind, and why: a sentence without its full stop."""

    columns: tuple[str, ...]
    kind: Kind
    words: str


def find(table: pa.Table, target: str, columns: Sequence[str], time: str) -> list[Leak]:
    """Find the leaks among `columns`, in their order; sums of several come last.

    target, time: columns of the table too, passed over where `columns` names them. A row without a target shows only
    what grows or is constant.
    """
    import pyarrow as pa

    if table.num_rows > ROWS:
        table = table.take(pa.array(tables.drawn(table.num_rows, ROWS, SEED)))
    asked = [name for name in dict.fromkeys(columns) if name not in (target, time)]
    times = _Times(table[time])
    moments = times.moments
    goal = _goal(table[target])
    found = [leak for name in asked if (leak := _alone(name, table, target, goal, time, times)) is not None]
    named = {name for leak in found if leak.kind != "grows" for name in leak.columns}
    parts = {name: _numbers(table[name]) for name in asked if name not in named and _is_number(table[name])}
    moving = {name for name in parts if pa.types.is_temporal(table[name].type)} | {time}
    return [*found, *_summed({**parts, time: moments}, moving, goal, target, time)]


def _alone(name: str, table: pa.Table, target: str, goal: _Goal, time: str, times: _Times) -> Leak | None:
    """Say what one column alone is, if anything."""
    import pyarrow as pa

    column = table[name]
    if words := _constant(column):
        return Leak((name,), "constant", f"{name} {words}")
    if table.num_rows < FEWEST or pa.types.is_nested(column.type):
        return None
    numbers = _numbers(column) if _is_number(column) else None
    if numbers is not None and (words := _grows(numbers, column, times)):
        return Leak((name,), "grows", f"{name} {words} with {time}, so tomorrow's values are new to the model")
    if words := _tells(column, numbers, goal, times.moments):
        return Leak((name,), "determines", f"{name} {words} {target}")
    return None


def _constant(column: pa.Array) -> str:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return "is empty"
    if pa.types.is_floating(column.type) and pc.all(pc.is_nan(column)).as_py():
        return "is empty"
    if pa.types.is_nested(column.type) or column.null_count or len(column) < 2:
        return ""
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    return f"is {plain[0].as_py()} in every row" if pc.count_distinct(plain).as_py() == 1 else ""


def _grows(numbers: Numbers, column: pa.Array, times: _Times) -> str:
    import pyarrow as pa

    here = np.isfinite(numbers) & np.isfinite(times.moments)
    values, when = numbers[here], times.moments[here]
    if len(values) < FEWEST or len(np.unique(when // 86400)) < 3:
        return ""
    if not pa.types.is_temporal(column.type) and any(np.mean(values == part[here]) > 0.9 for part in times.cycles):
        return ""
    correlation = _correlation(_ranks(values), _ranks(when))
    order = times.order[here[times.order]]
    begins = np.flatnonzero(np.diff(times.moments[order], prepend=-np.inf))  # of the rows of one moment
    for sign, words in ((1, "only grows"), (-1, "only falls")):
        moved = sign * numbers[order]
        steady = (np.maximum.reduceat(moved, begins)[:-1] <= np.minimum.reduceat(moved, begins)[1:]).all()
        if sign * correlation > _ALIKE or (steady and len(np.unique(values)) >= _LEVELS):
            return words
    return ""


def _tells(column: pa.Array, numbers: Numbers | None, goal: _Goal, moments: Numbers) -> str:
    """Say how a column tells the target by itself, or nothing."""
    missing = np.asarray(column.is_null(nan_is_null=True).to_numpy())
    if missing.any() and not missing.all() and goal.codes is not None and _maps(missing.astype(np.int64), goal.codes):
        return "is there or missing with one value each of"
    if numbers is not None and goal.values is not None:
        here = np.isfinite(numbers) & np.isfinite(goal.values)
        if goal.binary and _separates(numbers[here], goal.values[here]):
            return "by its size alone says"
        if not goal.binary and _alike(numbers[here], goal.values[here], moments[here]):
            return "is, value for value, in step with"
    codes = _codes(column)
    if goal.codes is not None and _maps(codes, goal.codes):
        return "has one value for each value of" if _maps(goal.codes, codes) else "has values that each go with one of"
    if goal.values is not None and not goal.binary and _fixes(codes, goal.values):
        return "has values that each go with one of"
    return ""


def _separates(numbers: Numbers, zero_one: Numbers) -> bool:
    """Tell whether a threshold on the numbers parts a binary target, by the area under the ROC curve."""
    ones = int(zero_one.sum())
    zeros = len(zero_one) - ones
    if min(ones, zeros) < 10:
        return False
    area = (_ranks(numbers)[zero_one == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    return bool(max(area, 1 - area) > _AUC)


def _alike(numbers: Numbers, goal: Numbers, moments: Numbers) -> bool:
    """Tell whether two columns go together, in their values or ranks, from row to row too.

    Without the steps from row to row, yesterday's value of a slow series would be taken for a leak.
    """
    if len(numbers) < FEWEST or len(np.unique(goal)) < 3:
        return False
    order = np.argsort(moments, kind="stable")
    for one, other in ((numbers[order], goal[order]), (_ranks(numbers[order]), _ranks(goal[order]))):
        if abs(_correlation(one, other)) > _ALIKE and abs(_correlation(np.diff(one), np.diff(other))) > 0.9:
            return True
    return False


def _maps(codes: Codes, classes: Codes) -> bool:
    """Tell whether each value of one column goes with one of the other, by the other rows that hold it too."""
    here = (codes >= 0) & (classes >= 0)
    codes, classes = codes[here], classes[here]
    if len(codes) < FEWEST:
        return False
    _, groups, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    repeated = sizes[groups] > 1
    if repeated.mean() < 0.3:
        return False
    groups, classes = groups[repeated], classes[repeated]
    most = int(classes.max()) + 1
    pairs, counts = np.unique(groups * most + classes, return_counts=True)
    best = np.zeros(len(sizes), np.int64)
    np.maximum.at(best, pairs // most, counts)
    missed = len(classes) - int(best.sum())
    guessed = len(classes) - int(np.unique(classes, return_counts=True)[1].max())
    # Pairs agree by chance; only groups of several rows show that a value goes with one class.
    spread = len(np.unique(groups)) <= len(classes) / 3
    return guessed >= 10 and missed <= _MISSED * guessed and spread


def _fixes(codes: Codes, goal: Numbers) -> bool:
    """Tell whether each value of a column goes with one number of the target, by the other rows that hold it too."""
    here = (codes >= 0) & np.isfinite(goal)
    codes, goal = codes[here], goal[here]
    if len(codes) < FEWEST:
        return False
    _, groups, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    repeated = sizes[groups] > 1
    whole = float(np.var(goal[repeated])) if repeated.mean() >= 0.3 else 0.0
    if whole == 0.0 or len(np.unique(groups)) < 3:
        return False
    means = np.bincount(groups, goal, len(sizes)) / sizes
    return bool(np.mean((goal - means[groups])[repeated] ** 2) < 1e-5 * whole)


def _summed(parts: dict[str, Numbers], moving: set[str], goal: _Goal, target: str, time: str) -> list[Leak]:
    """Say which few columns make up the target as a sum, or as a product of what is above zero."""
    if goal.values is None:
        return []
    still = {name: values for name, values in parts.items() if name not in moving}
    for said, chosen in (sums.total(parts, goal.values), sums.product(still, goal.values)):
        if columns := tuple(name for name in chosen if name != time):
            return [Leak(columns, "summed", f"{said} is {target}")]
    return []


class _Times:
    """The rows' moments, and what each column is held against of them."""

    def __init__(self, column: pa.Array) -> None:
        self._column, self.moments = column, _numbers(column)

    @cached_property
    def order(self) -> Codes:
        """The rows in the order of their moments."""
        return np.argsort(self.moments, kind="stable")

    @cached_property
    def cycles(self) -> list[Numbers]:
        """Day, month, and so on of each row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        stamps = self._column.cast(pa.timestamp("us")) if pa.types.is_date(self._column.type) else self._column
        parts = [getattr(pc, cycle)(stamps).to_numpy(zero_copy_only=False) for cycle in _CYCLES]
        return [np.asarray(part, np.float64) for part in parts]


@dataclass(frozen=True)
class _Goal:
    """The target as numbers, where it is one or has two values, and as codes of its values (-1: none)."""

    values: Numbers | None
    codes: Codes | None
    binary: bool


def _goal(column: pa.Array) -> _Goal:
    codes = _codes(column)
    binary = len(np.unique(codes[codes >= 0])) == 2
    if binary:
        ordered = np.unique(codes[codes >= 0])
        return _Goal(np.where(codes < 0, np.nan, (codes == ordered[1]).astype(np.float64)), codes, True)
    if _is_number(column):
        return _Goal(_numbers(column), None, False)
    return _Goal(None, codes, False)


def _is_number(column: pa.Array) -> bool:
    import pyarrow as pa

    kind = column.type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_temporal)
    return any(test(kind) for test in tests) and not pa.types.is_duration(kind)


def _numbers(column: pa.Array) -> Numbers:
    """Return a column as numbers, NaN where it has none: times in seconds since 1970, dates too."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_time(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_temporal(kind):
        micros = column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return np.asarray(micros.cast(pa.float64(), safe=False).to_numpy(), np.float64) / 1e6
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


def _codes(column: pa.Array) -> Codes:
    """Return a number for each value of a column, -1 where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(column.type):
        return np.full(len(column), -1, np.int64)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    whole = pa.chunked_array(column).combine_chunks()
    encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    return np.asarray(encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _ranks(values: Numbers) -> Numbers:
    """Return the ranks, from one, those of equals as their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def _correlation(one: Numbers, other: Numbers) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
