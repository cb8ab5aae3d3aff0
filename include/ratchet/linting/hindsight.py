"""Which features know the target of their own row: found by changing it in made-up rows, and looking what changes.

Only the newest row is changed, and only its own features are looked at. So what is made of earlier rows, as a mean of
their targets, is left alone, and the target itself, a part of it, or a mean that counts the row's own is found.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.contract.table import ColumnType
from ratchet.data import features, known, sql
from ratchet.errors import ContractError, RatchetError
from ratchet.linting import references, rows

Rows = dict[str, list[rows.Row]]


def mistakes(loop: Loop, found: Sequence[str]) -> Iterator[ContractError]:
    """Yield the features that change with a column that target.sql reads of their own row. found: all features.

    A feature that `gate.accept` names is one that is known before: a person has said so. Raises RatchetError where the
    SQL does not run over made-up rows; that is not the loop's mistake.
    """
    own = {loop.main_table.time, *loop.main_table.key}
    changing = [name for name in known.labels(loop) if name not in own]
    if not changing:
        return
    made = rows.made(loop)
    before = _features(loop, made)
    moved = _moved(loop, made, before, changing)
    if moved:  # what differs though nothing was changed, as random(), tells nothing
        moved -= _unlike(before, _features(loop, made))
    by = {name: _moved(loop, made, before, [name]) for name in changing} if moved else {}
    path = loop.folder / loop.features.sql
    for name in found:
        if name in moved and name not in loop.gate.accept:
            told = ", ".join(each for each in changing if name in by[each]) or ", ".join(changing)
            place = f"{path}:{references.defined(path, name)}"
            yield ContractError(
                f"{place}: the feature {name!r} knows the target: it changes with {told} of its own row, "
                "which target.sql reads. Take it out, or let it look at earlier rows alone; "
                f"if it is known before the prediction, say so: gate.accept: [{name}]"
            )


def _moved(loop: Loop, made: Rows, before: rows.Row, changing: Sequence[str]) -> set[str]:
    """Return the features of the newest row that change when these columns of it do, whatever they change to."""
    values = {name: _values(loop, loop.main_table.columns[name]) for name in changing}
    found: set[str] = set()
    for number in range(max(map(len, values.values()))):
        changed = copy.deepcopy(made)
        given = {name: each[number % len(each)] for name, each in values.items()}
        changed[loop.main][-1] |= given
        if loop.labels in changed:
            changed[loop.labels][-1] |= {name: given[name] for name in given if name in changed[loop.labels][-1]}
        try:
            found |= _unlike(before, _features(loop, changed))
        except RatchetError:  # a value that the SQL does not take tells nothing
            continue
    return found


def _features(loop: Loop, made: Rows) -> rows.Row:
    """Return the features of the newest row."""
    day, newest = str(rows.DAY), made[loop.main][-1]
    table = features.select(loop, rows.arrow(loop, made), day)
    chosen = features.names(loop, table.column_names)
    keys = [name for name in loop.main_table.key if name not in loop.features.categorical]
    row = next(each for each in reversed(table.to_pylist()) if all(each[name] == newest[name] for name in keys))
    return {name: row[name] for part in chosen for name in part}


def _unlike(one: rows.Row, other: rows.Row) -> set[str]:
    """Return the features that differ. As they are written, so that NaN is NaN."""
    return {name for name, value in one.items() if repr(value) != repr(other[name])}


def _values(loop: Loop, kind: ColumnType) -> list[Any]:
    """Return what a column is changed to: nothing, little, much, and what the SQL compares with."""
    moment = dt.datetime.combine(rows.DAY, dt.time(23))
    if kind == "string":
        text = (loop.folder / loop.features.sql).read_text(encoding="utf-8")
        return [None, "w", *sql.literals(f"{loop.target.sql}\n{text}")[:4]]
    if kind in ("int64", "float64"):
        said = [float(each) for each in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", loop.target.sql)][:2]
        numbers = [0.0, 1e6, -1e6, *said]
        return [None, *(numbers if kind == "float64" else map(int, numbers))]
    if kind == "bool":
        return [None, True, False]
    moments = [moment, moment + dt.timedelta(days=400), moment - dt.timedelta(days=400)]
    return [None, *(moments if kind == "timestamp" else [each.date() for each in moments])]
