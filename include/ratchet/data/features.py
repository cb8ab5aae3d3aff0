"""Compute features: the loop's SQL over its partitions, for training, scoring and serving alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail, nearest
from ratchet.data import sql, tables
from ratchet.errors import ContractError, DataError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

PARTITION = "_ratchet_partition"
EVENT_TIME = "event_time"

_SQL_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}


def compute(
    loop: Loop, given: Mapping[str, pa.Table], first: str, last: str, labels: pa.Table | None = None
) -> pa.Table:
    """Compute the features of the rows of partitions `first` to `last`.

    given: every table of the loop, each with the column `_ratchet_partition`, from `lookback_days` before `first`.
    labels: of a loop whose labels a table brings, that table from `first` on, as far as it is known; none are known
    where it is left out.
    Returns one row a row of the first table: key, `_ratchet_partition`, `event_time`, the features, and the target,
    sorted by partition and key. Raises ContractError where the SQL fails, or does not give exactly one row a key.
    """
    import duckdb

    where = loop.folder / loop.features.sql
    text = sql.select(where.read_text(encoding="utf-8"), where)
    main, keys, q = loop.main, loop.main_table.key, sql.name
    connection = sql.connect()
    try:
        for name, spec in loop.tables.items():
            _register(connection, name, spec.columns, given[name])
        if loop.label_table:
            _register_labels(connection, loop, labels)
        sql.lock(connection)
        _select(connection, text, where)
        relation = connection.sql("SELECT * FROM _ratchet_features")
        missing = [name for name in (*keys, EVENT_TIME) if name not in relation.columns]
        if missing:
            raise ContractError(
                f"{where}: the SELECT lacks the column {', '.join(missing)}; it must give the key and {EVENT_TIME}"
            )
        features = [c for c in relation.columns if c not in (*keys, EVENT_TIME) or c in loop.features.categorical]
        for place, name in enumerate(loop.features.categorical):
            if name not in relation.columns:
                text = f"{name!r} is no column of the SELECT in {where}; {nearest(name, relation.columns)}"
                raise fail(loop, ("features", "categorical", place), text)
        kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
        if texts := [name for name in features if kinds[name] == "VARCHAR" and name not in loop.features.categorical]:
            text = f"{', '.join(texts)} of the SELECT in {where} is text, and features are numbers or categories"
            raise fail(loop, ("features", "categorical"), f"{text}. Name it here, or CAST it to a number")
        if loop.target.name in relation.columns:
            raise ContractError(
                f"{where}: the SELECT gives {loop.target.name!r}, the name of the target, which no model may be given. "
                "Take it out; a feature that is another thing wants another name"
            )
        chosen = [
            f"CAST(f.{q(c)} AS {'VARCHAR' if c in loop.features.categorical else 'DOUBLE'}) AS {q(c)}" for c in features
        ]
        columns = ", ".join(
            [*(f"m.{q(c)}" for c in keys if c not in features), f"m.{PARTITION}", f"f.{EVENT_TIME}", *chosen]
        )
        joined = " AND ".join(f"f.{q(c)} = m.{q(c)}" for c in keys)
        order = ", ".join(f"m.{q(c)}" for c in keys)
        target = sql.select(_qualified(loop), f"{loop.folder / 'loop.yaml'}: target.sql")
        table = connection.sql(
            f"""SELECT {columns}, ({target}) AS "{loop.target.name}"
                FROM _ratchet_rows_of_{main} AS m LEFT JOIN _ratchet_features AS f ON {joined}{_brought(loop)}
                WHERE m.{PARTITION} BETWEEN '{first}' AND '{last}' ORDER BY m.{PARTITION}, {order}"""
        ).to_arrow_table()
        rows = connection.sql(
            f"SELECT count(*) FROM _ratchet_rows_of_{main} WHERE {PARTITION} BETWEEN '{first}' AND '{last}'"
        ).fetchall()
    except duckdb.Error as error:
        raise ContractError(
            f"{where}, or target.sql, fails: {error}. Mend the SQL and run: ratchet lint {loop.name}"
        ) from error
    finally:
        connection.close()
    if table.num_rows != rows[0][0] or table.column(EVENT_TIME).null_count:
        raise ContractError(
            f"{where}: {rows[0][0]} rows of {main} gave {table.num_rows} rows of features, "
            f"{table.column(EVENT_TIME).null_count} of them without a match; the SELECT must give each key exactly once"
        )
    return table


def names(loop: Loop, columns: list[str]) -> tuple[list[str], list[str]]:
    """Split the columns of a feature table into categorical and numeric features."""
    aside = {PARTITION, EVENT_TIME, loop.target.name, *loop.main_table.key} - set(loop.features.categorical)
    categorical = [name for name in columns if name in loop.features.categorical]
    return categorical, [name for name in columns if name not in aside and name not in categorical]


def dry_run(loop: Loop) -> list[str]:
    """Run the SQL over empty tables, to find its mistakes early; return the features' names. Raises ContractError."""
    table = compute(loop, {name: empty(loop, name) for name in loop.tables}, "2000-01-01", "2000-01-01")
    categorical, numeric = names(loop, table.column_names)
    if not categorical + numeric:
        raise ContractError(
            f"{loop.folder / loop.features.sql}: the SELECT gives no feature beside key and {EVENT_TIME}"
        )
    return categorical + numeric


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


def empty(loop: Loop, name: str) -> pa.Table:
    """Return a table of the loop with its partition, and no rows."""
    import pyarrow as pa

    return tables.empty(loop.tables[name].columns).append_column(PARTITION, pa.array([], pa.string()))


def known_target(loop: Loop, table: pa.Table) -> pa.Table:
    """Keep the rows whose target is known. Raises DataError where there is none."""
    import pyarrow.compute as pc

    known = table.filter(pc.is_valid(table.column(loop.target.name)))
    if not known.num_rows:
        raise DataError(
            f"No row of {loop.name} has a known {loop.target.name} in this window. "
            "Ingest more days, or check target.sql"
        )
    return known


def target_type(loop: Loop) -> str:
    """Return DuckDB's type of target.sql, over the contract's types. Raises ContractError."""
    import duckdb

    place = f"{loop.folder / 'loop.yaml'}: target.sql"
    connection = sql.connect()
    try:
        _register(connection, loop.main, loop.main_table.columns, empty(loop, loop.main))
        if loop.label_table:
            _register_labels(connection, loop, None)
        sql.lock(connection)
        found = connection.sql(
            f"SELECT ({sql.select(_qualified(loop), place)}) FROM _ratchet_rows_of_{loop.main} AS m{_brought(loop)}"
        )
        return str(found.types[0])
    except duckdb.Error as error:
        raise fail(loop, ("target", "sql"), f"target.sql fails: {one_line(str(error), 400)}") from None
    finally:
        connection.close()


def _select(connection: duckdb.DuckDBPyConnection, text: str, where: Path) -> None:
    """Run the features' SELECT. Raises ContractError, which names the line, where it fails."""
    import duckdb

    try:
        connection.execute(f"CREATE TEMP TABLE _ratchet_features AS {text}")
    except duckdb.Error as error:
        whole, found = where.read_text(encoding="utf-8"), re.search(r"LINE (\d+):", str(error))
        line = whole[: max(0, whole.find(text))].count("\n") + int(found.group(1)) if found else 1
        raise ContractError(f"{where}:{line}: the SELECT fails: {error}. Mend it and run: ratchet lint") from error


def _register(connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], table: pa.Table) -> None:
    """Make two views: one with the partition for ourselves, and one with the contract's columns alone for the SQL."""
    given, own = sql.name(f"_ratchet_given_{name}"), sql.name(f"_ratchet_rows_of_{name}")
    connection.register(f"_ratchet_given_{name}", table)
    chosen = ", ".join(f"CAST({sql.name(c)} AS {_SQL_TYPES[t]}) AS {sql.name(c)}" for c, t in columns.items())
    connection.execute(f"CREATE TEMP TABLE {own} AS SELECT {chosen}, {PARTITION} FROM {given}")
    connection.execute(f"CREATE TEMP VIEW {sql.name(name)} AS SELECT * EXCLUDE ({PARTITION}) FROM {own}")


def _register_labels(connection: duckdb.DuckDBPyConnection, loop: Loop, labels: pa.Table | None) -> None:
    """Make the table of labels: of each key the one that came last."""
    name = str(loop.label_table)
    spec = loop.tables[name]
    connection.register("_ratchet_told", labels if labels is not None else empty(loop, name))
    keys = ", ".join(sql.name(c) for c in loop.main_table.key)
    latest = f"row_number() OVER (PARTITION BY {keys} ORDER BY {sql.name(spec.time)} DESC, {PARTITION} DESC) = 1"
    connection.execute(f"CREATE TEMP TABLE _ratchet_labels AS SELECT * FROM _ratchet_told QUALIFY {latest}")


def _brought(loop: Loop) -> str:
    """Return the join of the labels that a table brings, by the first table's key."""
    if not loop.label_table:
        return ""
    joined = " AND ".join(f"l.{sql.name(c)} = m.{sql.name(c)}" for c in loop.main_table.key)
    return f" LEFT JOIN _ratchet_labels AS l ON {joined}"


def _qualified(loop: Loop) -> str:
    """Return the target's expression its own scope: its columns are the first table's, not the features'.

    Where a table brings the labels its columns come first. What is no number is not known: NaN becomes null.
    """
    brought = [*loop.tables[loop.label_table].columns] if loop.label_table else []
    side = dict.fromkeys(loop.main_table.columns, "m") | dict.fromkeys(brought, "l")
    side |= dict.fromkeys(loop.main_table.key, "m")
    columns = ", ".join(f"{of}.{sql.name(c)} AS {sql.name(c)}" for c, of in side.items())
    nan = "typeof(_t) IN ('DOUBLE', 'FLOAT') AND isnan(TRY_CAST(CAST(_t AS VARCHAR) AS DOUBLE))"
    told = f"SELECT ({loop.target.sql}) AS _t FROM (SELECT {columns})"
    return f"SELECT CASE WHEN NOT coalesce({nan}, false) THEN _t END FROM ({told})"
