"""What the columns of a sample are to the loop: the time, the key, the target and its task."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from ratchet.contract.loop import Task
from ratchet.data import leaks, tables
from ratchet.data.leaks import Leak
from ratchet.data.sql import name as quoted_name
from ratchet.data.sql import quoted
from ratchet.errors import RequestError
from ratchet.layout.sample import Column, Sample


@dataclass(frozen=True)
class Roles:
    """The columns' roles, and what of them must not be learnt from."""

    time: str
    key: tuple[str, ...]
    target: str
    task: Task
    sql: str  # of the target
    leaks: tuple[Leak, ...]

    def leak(self, column: str) -> str:
        """Say why a column must not be learnt from; an empty string where it may."""
        return next((leak.words for leak in self.leaks if column in leak.columns), "")

    def known_at(self, sample: Sample) -> str:
        """Return the moment that the target is a sum with, and known at; an empty string where it is none."""
        summed = (name for leak in self.leaks if leak.kind == "summed" for name in leak.columns)
        return next((name for name in summed if name != self.time and sample.columns[name].kind == "timestamp"), "")


def find(sample: Sample, time: str | None, target: str, key: tuple[str, ...], task: Task | None) -> Roles:
    """Find what was not given. Raises RequestError where the sample does not show it."""
    moment = _time(sample, time)
    about = sample.need(target, "the target")
    names = _key(sample, key, moment, target)
    kind, sql = _task(sample, about, task)
    found = leaks.find(sample.table, target, list(sample.columns), moment)
    kept = (leak for leak in found if leak.kind != "grows" or not {*leak.columns} <= {*names})  # as ids do
    return Roles(moment, names, target, kind, sql, tuple(kept))


def features(sample: Sample, roles: Roles) -> list[str]:
    """List the columns that a model may be given: no names of rows, no moments, and nothing that leaks."""
    return [
        name
        for name, column in sample.columns.items()
        if name not in (roles.target, roles.time)
        and not roles.leak(name)
        and column.kind != "timestamp"
        and not _names_rows(column, roles)
    ]


def _names_rows(column: Column, roles: Roles) -> bool:
    """Say whether a column is a name of rows, of which the model learns nothing."""
    many = column.distinct > 0.5 * max(column.rows - column.nulls, 1)
    return many and (column.name in roles.key or column.kind == "string")


def _time(sample: Sample, given: str | None) -> str:
    stamps = [name for name, column in sample.columns.items() if column.kind in ("timestamp", "date")]
    if given:
        column = sample.need(given, "the time")
        if given not in stamps:
            raise RequestError(
                f"{given} holds {column.kind}s, not timestamps. Say how they are written, as --date-format "
                "'%d.%m.%Y %H:%M', convert them in the source, or name another with --time"
            )
    elif not stamps:
        raise RequestError(
            "The sample has no column of timestamps; every row needs the moment at which it happened. Where it is "
            "written in another way than 2024-03-31, say so: --time COLUMN --date-format '%d.%m.%Y'"
        )
    whole = [name for name in stamps if not sample.columns[name].nulls]
    chosen = given or (whole or stamps)[0]
    if sample.columns[chosen].nulls:
        raise RequestError(
            f"{chosen} is empty in {sample.columns[chosen].nulls:,} rows, and every row needs its moment. Name another "
            "with --time, or take those rows out"
        )
    return chosen


def _key(sample: Sample, given: tuple[str, ...], moment: str, target: str) -> tuple[str, ...]:
    """Take the columns that were given, or the fewest that name every row."""
    for name in given:
        if sample.need(name, "the key").nulls:
            raise RequestError(f"{name} is empty in some rows, and a key never is. Name others with --key")
    if given:
        return given
    usable = [
        name
        for name, column in sample.columns.items()
        if name != target and not column.nulls and column.kind != "float64"
    ]
    alone = [name for name in usable if sample.columns[name].distinct == sample.rows]
    if alone:
        return (alone[0],)
    for size in (1, 2):
        for others in itertools.combinations([name for name in usable if name != moment], size):
            if sample.table.group_by([moment, *others]).aggregate([]).num_rows == sample.rows:
                return (moment, *others)
    raise RequestError(
        "No one, two or three columns of the sample name its rows. Say which do: --key COLUMN --key COLUMN"
    )


def late(sample: Sample, found: Roles) -> int:
    """Count the newest days of which no row has a label, where those before them have."""
    import pyarrow.compute as pc

    days = tables.days(sample.table[found.time])
    labelled = days.filter(pc.is_valid(sample.table[found.target]))
    newest, last = pc.max(days).as_py(), pc.max(labelled).as_py()
    return int((newest - last).days) if newest and last else 0


def _task(sample: Sample, column: Column, given: Task | None) -> tuple[Task, str]:
    """Find the task, and the target as SQL: 0 and 1, a number, or the text of a class; null where it is not known."""
    import pyarrow.compute as pc

    if column.empty:
        raise RequestError(f"{column.name} is empty in the sample: there is nothing to predict. Give labelled rows")
    at, text = quoted_name(column.name), column.kind == "string"
    known = f"nullif({at}, 'NaN'::DOUBLE)" if column.kind == "float64" else at
    values = pc.unique(sample.table[column.name].drop_null()).to_pylist()[:3]
    zero_one = column.kind == "bool" or (column.kind != "string" and {*values} <= {0, 1})
    spelt = text and {str(value) for value in values} <= {"0", "1"}
    found: Task = "multiclass" if text else "regression"
    task: Task = given or ("binary" if column.distinct == 2 and (zero_one or text) else found)
    if task == "binary" and not (zero_one or spelt):
        if column.distinct != 2:
            raise RequestError(
                f"{column.name} has {column.distinct} values; a binary target has two. Choose --task multiclass or "
                "regression"
            )
        positive = max(values, key=str)
        return task, f"CAST({at} = {quoted(positive) if text else positive} AS BIGINT)"
    if task == "regression" and column.kind not in ("int64", "float64"):
        raise RequestError(
            f"{column.name} holds {column.kind}s; a regression predicts numbers. Choose --task multiclass or binary"
        )
    return task, f"CAST({known} AS BIGINT)" if task == "binary" else known


def target_name(roles: Roles) -> str:
    """Return the target's name in the contract, which no key may have too."""
    name = roles.target.lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return "target"
    return f"{name}_target" if name in {each.lower() for each in roles.key} else name
