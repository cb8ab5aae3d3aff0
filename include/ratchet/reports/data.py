"""A page that shows a sample of a loop's data: columns, what is missing, time covered, and the target week by week."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ratchet.data import tables
from ratchet.data.leaks import Leak
from ratchet.reports.page import page, table

if TYPE_CHECKING:
    import pyarrow as pa

_BARS = 24
_LONGEST = 40  # characters of a value that are shown
_STYLE = "svg { height: 2.2rem; width: 12rem; } rect { fill: #7a93c4; } .wide svg { height: 8rem; width: 100%; }"


def render(name: str, rows: pa.Table, time: str, target: str, leaks: Sequence[Leak] = ()) -> str:
    """Return the page. rows: of the contract's types. time, target: columns. leaks: what must not be learnt from."""
    days = _days(rows[time])
    span = f"{_day(days.min())} to {_day(days.max())}, {len(np.unique(days))} days with rows"
    facts = [
        ("rows", f"{rows.num_rows:,}"),
        (f"time ({time})", span),
        ("days without rows between", f"{days.max() - days.min() + 1 - len(np.unique(days)):,}"),
        (f"target ({target}) missing", _share(rows[target].null_count, rows.num_rows)),
    ]
    warned = [(", ".join(leak.columns), leak.kind, leak.words) for leak in leaks]
    body = [
        table((), facts),
        "<h2>Not to be learnt from</h2>" + table(("columns", "kind", "why"), warned) if warned else "",
        f"<h2>Rows by day</h2><div class=wide>{_bars(_by_day(days))}</div>",
        f"<h2>{html.escape(target)} by week</h2>{_by_week(rows[target], days)}",
        f"<h2>Columns</h2>{_columns(rows)}",
    ]
    return page(f"The sample of {name}", "".join(body), _STYLE)


def _columns(rows: pa.Table) -> str:
    head = "".join(f"<th>{word}</th>" for word in ("column", "type", "missing", "values", "from", "to", "distribution"))
    lines = "".join(f"<tr>{_column(name, rows[name])}</tr>" for name in rows.column_names)
    return f"<table><tr>{head}</tr>{lines}</table>"


def _column(name: str, column: pa.Array) -> str:
    import pyarrow.compute as pc

    there = column.drop_null()
    low, high = ("", "") if not len(there) else (str(each.as_py()) for each in _ends(there))
    cells = [
        name,
        str(column.type),
        _share(column.null_count, len(column)),
        f"{pc.count_distinct(there).as_py():,}",
        _cut(low),
        _cut(high),
    ]
    return "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + f"<td>{_distribution(there)}</td>"


def _ends(there: pa.Array) -> tuple[pa.Scalar, pa.Scalar]:
    import pyarrow.compute as pc

    found = pc.min_max(there)
    return found["min"], found["max"]


def _distribution(there: pa.Array) -> str:
    """Return bars of numbers and times, and the most frequent values of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(there):
        return ""
    if pa.types.is_string(there.type) or pa.types.is_boolean(there.type):
        counts = pc.value_counts(there.combine_chunks() if isinstance(there, pa.ChunkedArray) else there).to_pylist()
        often = sorted(counts, key=lambda each: (-each["counts"], str(each["values"])))[:5]
        return html.escape(
            ", ".join(f"{_cut(str(each['values']))} {_share(each['counts'], len(there))}" for each in often)
        )
    plain = there.cast(pa.int64()) if pa.types.is_timestamp(there.type) else there
    plain = plain.cast(pa.int32()) if pa.types.is_date(there.type) else plain
    numbers = np.asarray(plain.cast(pa.float64(), safe=False).to_numpy(), np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return ""
    width = min(_BARS, len(np.unique(numbers)))
    return _bars([int(count) for count in np.histogram(numbers, bins=max(width, 1))[0]])


def _by_week(target: pa.Array, days: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> str:
    """Return a table: the target's mean of each week, or its values' shares."""
    import pyarrow as pa
    import pyarrow.compute as pc

    weeks = (days + 3) // 7  # since the Monday before 1970
    counted = pa.table({"week": weeks, "target": target})
    text = pa.types.is_string(target.type)
    levels = [each["values"] for each in pc.value_counts(target.drop_null()).to_pylist()][:6] if text else []
    rows = []
    for week in np.unique(weeks):
        part = counted.filter(pc.equal(counted["week"], int(week)))["target"]
        there = part.drop_null()
        if text:
            shares = [_share(pc.sum(pc.equal(there, level)).as_py() or 0, len(there)) for level in levels]
        else:
            mean = pc.mean(there.cast(pa.float64(), safe=False)).as_py() if len(there) else None
            shares = ["" if mean is None else f"{mean:,.4g}"]
        rows.append([_day(int(week) * 7 - 3), f"{len(part):,}", _share(part.null_count, len(part)), *shares])
    return table(("week of", "rows", "missing", *([_cut(str(level)) for level in levels] if text else ["mean"])), rows)


def _by_day(days: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[int]:
    """Count the rows of each day; of more than 400, of as many stretches of days."""
    span = int(days.max() - days.min()) + 1
    return [int(count) for count in np.histogram(days, bins=min(span, 400), range=(days.min(), days.max() + 1))[0]]


def _bars(counts: Sequence[int]) -> str:
    most = max([*counts, 1])
    bars = "".join(
        f"<rect x='{place}' y='{100 - 100 * count / most:.1f}' width='.9' height='{100 * count / most:.1f}'>"
        f"<title>{count:,}</title></rect>"
        for place, count in enumerate(counts)
    )
    return f"<svg viewBox='0 0 {max(len(counts), 1)} 100' preserveAspectRatio='none'>{bars}</svg>"


def _days(times: pa.Array) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    import pyarrow as pa

    return np.asarray(tables.days(times).cast(pa.int32()).to_numpy(), np.int64)


def _day(number: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=int(number))).isoformat()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
