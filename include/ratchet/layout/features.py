"""The text of a new loop's features.sql: what is known of a row, and what is left out with the reason."""

from __future__ import annotations

from ratchet.data.sql import name as quoted
from ratchet.layout import contract
from ratchet.layout.contract import WEEK
from ratchet.layout.roles import Roles
from ratchet.layout.sample import Sample

_OURS = ("event_time", "hour_of_day", "day_of_week", "mean_7d")  # names of columns that we make


def text(name: str, sample: Sample, found: Roles, features: list[str]) -> str:
    """Return one SELECT of DuckDB. features: columns that the model is given as they are."""
    at, numeric = f"asked.{quoted(found.time)}", found.task != "multiclass"
    taken = {each.lower() for each in sample.columns}
    lines = [f"asked.{quoted(each)}," for each in found.key]
    if "event_time" not in found.key:
        lines.append(f"{at} AS event_time,")
    for each in sample.columns:
        if each in (found.time, found.target, *found.key) and not (each in features and each not in found.key):
            continue
        if each in features and each != "event_time":
            lines.append(f"asked.{quoted(each)},")
        else:
            lines.append(f"-- {quoted(each)}: {_reason(each, sample, found)}")
    own = _calendar(sample, found)
    lines += [f"{sql} AS {column}," for column, sql in own.items() if column not in taken]
    if numeric and "mean_7d" not in taken:
        lines += [
            f"-- the mean of {found.target} over the 7 newest days whose labels were known when the day began",
            "(known.total - coalesce(before.total, 0)) / nullif(known.n - coalesce(before.n, 0), 0) AS mean_7d,",
        ]
    head = """-- What is known of a row when it is predicted, and nothing later. Delete every column that is known only
-- afterwards: it would make the model look better in training than it can ever be.
"""
    history = f"""WITH _running AS (
    SELECT
        {quoted(found.time)} AS moment,
        sum(count({found.sql})) OVER by_time AS n,
        sum(coalesce(sum({found.sql}), 0)) OVER by_time AS total
    FROM {quoted(name)} GROUP BY {quoted(found.time)} WINDOW by_time AS (ORDER BY {quoted(found.time)})
)
"""
    day, delay = f"date_trunc('day', {at})", contract.label_delay(sample, found)
    joins = f"""
ASOF LEFT JOIN _running AS known ON known.moment < {day} - INTERVAL {delay} DAY
ASOF LEFT JOIN _running AS before ON before.moment < {day} - INTERVAL {delay + WEEK} DAY"""
    shown = "\n".join(f"    {line}" for line in lines)
    return (
        f"{head}{history if numeric else ''}SELECT\n{shown}\nFROM {quoted(name)} AS asked{joins if numeric else ''}\n"
    )


def _calendar(sample: Sample, found: Roles) -> dict[str, str]:
    """Return the parts of the time that differ from row to row: daily data have no hour."""
    import pyarrow as pa
    import pyarrow.compute as pc

    times, at = sample.table[found.time].cast(pa.timestamp("us")), f"asked.{quoted(found.time)}"
    parts = {"hour_of_day": (pc.hour, f"hour({at})"), "day_of_week": (pc.day_of_week, f"isodow({at})")}
    return {name: sql for name, (of, sql) in parts.items() if len(pc.unique(of(times))) > 1}


def _reason(column: str, sample: Sample, found: Roles) -> str:
    """Say why a column is no feature."""
    if column == "event_time":
        return "its name is that of the moment of the prediction"
    if said := found.leak(column):
        return said
    kind = sample.columns[column].kind
    return "a moment, of which a model learns nothing as it is" if kind == "timestamp" else "names rows"
