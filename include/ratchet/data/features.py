"""Compute features: the loop's SQL over what was known on a day, for training, scoring and serving alike.

The features of a day are a function of its tables' days from `lookback_days` before, as far as they were known at its
end (`known.py`), and of the SQL. *A day computed alone, on one thread, ordered by key, is the definition*: the same
bits each time. So a row that is trained on and a row that is scored see the same history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet import partitions
from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.data import known, sql, targets
from ratchet.errors import ContractError, DataError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

PARTITION, EVENT_TIME = known.PARTITION, "event_time"


def of_day(loop: Loop, given: Mapping[str, pa.Table], day: str) -> pa.Table:
    """Compute the features of a day's rows from what was known at its end.

    given: every table of the loop, each with its partition, from `lookback_days` before the day on; what is known later
    is not looked at. Returns one row a row of the first table: key, `_ratchet_partition`, `event_time` and the
    features, ordered by key. Raises ContractError where the SQL fails, or does not give exactly one row a key.
    """
    return select(loop, known.cut(loop, given, day, known.end_of(day)), day)


def select(loop: Loop, given: Mapping[str, pa.Table], day: str) -> pa.Table:
    """Compute the features of a day's rows from tables as they are given, whatever was known when."""
    import duckdb

    where = loop.folder / loop.features.sql
    text = sql.select(where.read_text(encoding="utf-8"), where)
    main, keys, q = loop.main, loop.main_table.key, sql.name
    connection = sql.connect()
    try:
        rows_of = {
            name: sql.give(connection, name, {**spec.columns, PARTITION: "string"}, given[name])
            for name, spec in loop.tables.items()
        }
        for name, own in rows_of.items():
            connection.execute(f"CREATE TEMP VIEW {q(name)} AS SELECT * EXCLUDE ({PARTITION}) FROM {own}")
        sql.lock(connection)
        _select(connection, text, where)
        relation = connection.sql("SELECT * FROM _ratchet_features")
        features = _features(loop, dict(zip(relation.columns, map(str, relation.types), strict=True)))
        chosen = [
            f"CAST(f.{q(c)} AS {'VARCHAR' if c in loop.features.categorical else 'DOUBLE'}) AS {q(c)}" for c in features
        ]
        plain = [f"m.{q(c)}" for c in keys if c not in features]
        columns = ", ".join([*plain, f"m.{PARTITION}", f"CAST(f.{EVENT_TIME} AS TIMESTAMP) AS {EVENT_TIME}", *chosen])
        joined = " AND ".join(f"f.{q(c)} = m.{q(c)}" for c in keys)
        order = ", ".join(f"m.{q(c)}" for c in keys)
        asked = f"FROM {rows_of[main]} AS m"
        of_the_day = f"m.{PARTITION} = {sql.quoted(day)}"
        table = connection.sql(
            f"SELECT {columns} {asked} LEFT JOIN _ratchet_features AS f ON {joined} WHERE {of_the_day} ORDER BY {order}"
        ).to_arrow_table()
        rows = int(connection.sql(f"SELECT count(*) {asked} WHERE {of_the_day}").fetchall()[0][0])
    except duckdb.Error as error:
        raise ContractError(f"{where} fails: {error}. Mend it and run: ratchet lint {loop.name}") from error
    finally:
        connection.close()
    if table.num_rows != rows or table.column(EVENT_TIME).null_count:
        raise ContractError(
            f"{where}: {rows} rows of {main} of {day} gave {table.num_rows} rows of features, "
            f"{table.column(EVENT_TIME).null_count} of them without a match; the SELECT must give each key exactly once"
        )
    return table


def compute(
    loop: Loop, given: Mapping[str, pa.Table], first: str, last: str, labels: pa.Table | None = None
) -> pa.Table:
    """Compute features and targets of the days first..last, each day alone.

    given: every table of the loop, each with its partition, from `lookback_days` before `first` on. labels: as of
    `targets.compute`. The rows are in order of days, and of keys.
    """
    import pyarrow as pa

    parts = []
    for day in partitions.parse(f"{first}..{last}"):
        begin = partitions.shift(day, -loop.features.lookback_days)
        within = {name: _between(table, begin, day) for name, table in given.items()}
        parts.append(of_day(loop, within, day))
    rows = _between(given[loop.main], first, last)
    return with_target(loop, pa.concat_tables(parts), targets.compute(loop, rows, labels))


def with_target(loop: Loop, table: pa.Table, told: pa.Table) -> pa.Table:
    """Put the targets of the same rows beside their features. Raises DataError where they are of others."""
    same = [*(name for name in loop.main_table.key if name not in loop.features.categorical), PARTITION]
    if table.num_rows != told.num_rows or not table.select(same).equals(told.select(same)):
        raise DataError(f"The features of {loop.name} are not of the rows whose targets are known. Compute them again")
    return table.append_column(loop.target.name, told.column(loop.target.name))


def names(loop: Loop, columns: list[str]) -> tuple[list[str], list[str]]:
    """Split the columns of a feature table into categorical and numeric features."""
    aside = {PARTITION, EVENT_TIME, loop.target.name, *loop.main_table.key} - set(loop.features.categorical)
    categorical = [name for name in columns if name in loop.features.categorical]
    return categorical, [name for name in columns if name not in aside and name not in categorical]


def dry_run(loop: Loop) -> list[str]:
    """Run the SQL over empty tables, to find its mistakes early; return the features' names. Raises ContractError."""
    categorical, numeric = names(loop, nothing(loop).column_names)
    if not categorical + numeric:
        raise ContractError(
            f"{loop.folder / loop.features.sql}: the SELECT gives no feature beside key and {EVENT_TIME}"
        )
    return categorical + numeric


def nothing(loop: Loop) -> pa.Table:
    """Return features and targets of no rows. Raises ContractError where the SQL fails."""
    day = "2000-01-01"
    return compute(loop, {name: known.nothing(loop, name) for name in loop.tables}, day, day)


def latest(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Keep of each key the row of the latest partition, in the order of the table."""
    with sql.connect() as connection:
        connection.register("given", table)
        keys = ", ".join(sql.name(column) for column in key)
        return connection.sql(
            f"SELECT * EXCLUDE (_ratchet_at) FROM (SELECT *, row_number() OVER () AS _ratchet_at FROM given) "
            f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {PARTITION} DESC, _ratchet_at) = 1 "
            "ORDER BY _ratchet_at"
        ).to_arrow_table()


def _between(table: pa.Table, first: str, last: str) -> pa.Table:
    import pyarrow.compute as pc

    column = table.column(PARTITION)
    return table.filter(pc.and_(pc.greater_equal(column, first), pc.less_equal(column, last)))


def _features(loop: Loop, kinds: dict[str, str]) -> list[str]:
    """Return the features among the columns of the SELECT. Raises ContractError where it lacks what it has to give."""
    where, keys, columns = loop.folder / loop.features.sql, loop.main_table.key, [*kinds]
    missing = [name for name in (*keys, EVENT_TIME) if name not in columns]
    if missing:
        raise ContractError(
            f"{where}: the SELECT lacks the column {', '.join(missing)}; it must give the key and {EVENT_TIME}"
        )
    for place, name in enumerate(loop.features.categorical):
        if name not in columns:
            text = f"{name!r} is no column of the SELECT in {where}; {nearest(name, columns)}"
            raise fail(loop, ("features", "categorical", place), text)
    if loop.target.name in columns:
        raise ContractError(
            f"{where}: the SELECT gives {loop.target.name!r}, the name of the target, which no model may be given. "
            "Take it out; a feature that is another thing wants another name"
        )
    features = [c for c in columns if c not in (*keys, EVENT_TIME) or c in loop.features.categorical]
    if texts := [name for name in features if kinds[name] == "VARCHAR" and name not in loop.features.categorical]:
        text = f"{', '.join(texts)} of the SELECT in {where} is text, and features are numbers or categories"
        raise fail(loop, ("features", "categorical"), f"{text}. Name it here, or CAST it to a number")
    return features


def _select(connection: duckdb.DuckDBPyConnection, text: str, where: Path) -> None:
    """Run the features' SELECT. Raises ContractError, which names the line, where it fails."""
    import duckdb

    try:
        connection.execute(f"CREATE TEMP TABLE _ratchet_features AS {text}")
    except duckdb.Error as error:
        whole, found = where.read_text(encoding="utf-8"), re.search(r"LINE (\d+):", str(error))
        line = whole[: max(0, whole.find(text))].count("\n") + int(found.group(1)) if found else 1
        raise ContractError(f"{where}:{line}: the SELECT fails: {error}. Mend it and run: ratchet lint") from error
