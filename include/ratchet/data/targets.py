"""The target of rows: the contract's SQL over the first table, with the labels that a table brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.contract.loop import Loop
from ratchet.contract.reading import fail
from ratchet.data import sql
from ratchet.data.known import PARTITION, nothing
from ratchet.errors import ContractError, DataError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def compute(loop: Loop, rows: pa.Table, labels: pa.Table | None = None) -> pa.Table:
    """Compute the target of rows: their key, partition and target, null where it is not known, by partition and key.

    rows: of the first table, with their partition. labels: of a loop whose labels a table brings, that table as far as
    it is known; none are known where it is left out. Raises ContractError where target.sql fails.
    """
    import duckdb

    q, keys = sql.name, loop.main_table.key
    connection = sql.connect()
    try:
        text = _prepare(connection, loop, rows, labels)
        columns = ", ".join(f"m.{q(column)}" for column in (*keys, PARTITION))
        order = ", ".join(f"m.{q(column)}" for column in (PARTITION, *keys))
        of = f"_ratchet_rows_of_m AS m{_brought(loop)}"
        return connection.sql(
            f"SELECT {columns}, ({text}) AS {q(loop.target.name)} FROM {of} ORDER BY {order}"
        ).to_arrow_table()
    except duckdb.Error as error:
        raise fail(loop, ("target", "sql"), f"target.sql fails: {one_line(str(error), 400)}") from None
    finally:
        connection.close()


def type_of(loop: Loop) -> str:
    """Return DuckDB's type of target.sql, over the contract's types. Raises ContractError."""
    import duckdb

    connection = sql.connect()
    try:
        text = _prepare(connection, loop, nothing(loop, loop.main), None)
        return str(connection.sql(f"SELECT ({text}) FROM _ratchet_rows_of_m AS m{_brought(loop)}").types[0])
    except duckdb.Error as error:
        raise fail(loop, ("target", "sql"), f"target.sql fails: {one_line(str(error), 400)}") from None
    finally:
        connection.close()


def known(loop: Loop, table: pa.Table) -> pa.Table:
    """Keep the rows whose target is known. Raises DataError where there is none."""
    import pyarrow.compute as pc

    target = table.column(loop.target.name)
    found = table.filter(pc.is_valid(target)) if target.null_count else table
    if not found.num_rows:
        raise none_known(loop)
    return found


def none_known(loop: Loop) -> DataError:
    """Return the error of days without a known target."""
    return DataError(
        f"No row of {loop.name} has a known {loop.target.name} in this window. Ingest more days, or check target.sql"
    )


def _prepare(connection: duckdb.DuckDBPyConnection, loop: Loop, rows: pa.Table, labels: pa.Table | None) -> str:
    """Make the tables that target.sql reads, lock the connection, and return the SQL of the target of a row `m`."""
    sql.give(connection, "m", {**loop.main_table.columns, PARTITION: "string"}, rows)
    if name := loop.label_table:
        connection.register("_ratchet_told", labels if labels is not None else nothing(loop, name))
        keys = ", ".join(sql.name(column) for column in loop.main_table.key)
        order = f"{sql.name(loop.tables[name].time)} DESC, {PARTITION} DESC"
        latest = f"row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
        connection.execute(f"CREATE TEMP TABLE _ratchet_labels AS SELECT * FROM _ratchet_told QUALIFY {latest}")
    sql.lock(connection)
    try:
        return sql.select(_qualified(loop), f"{loop.folder / 'loop.yaml'}: target.sql")
    except ContractError:
        if why := sql.unparsed(loop.target.sql):
            text = f"target.sql fails: mend {one_line(loop.target.sql, 200)!r}. DuckDB says: {why}"
            raise fail(loop, ("target", "sql"), text) from None
        raise


def _brought(loop: Loop) -> str:
    """Return the join of the labels that a table brings, by the first table's key."""
    if not loop.label_table:
        return ""
    joined = " AND ".join(f"l.{sql.name(c)} = m.{sql.name(c)}" for c in loop.main_table.key)
    return f" LEFT JOIN _ratchet_labels AS l ON {joined}"


def _qualified(loop: Loop) -> str:
    """Return the target's expression in its own scope: its columns are the first table's, not the features'.

    Where a table brings the labels its columns come first. What is no number is not known: NaN becomes null.
    """
    brought = [*loop.tables[loop.label_table].columns] if loop.label_table else []
    side = dict.fromkeys(loop.main_table.columns, "m") | dict.fromkeys(brought, "l")
    side |= dict.fromkeys(loop.main_table.key, "m")
    columns = ", ".join(f"{of}.{sql.name(c)} AS {sql.name(c)}" for c, of in side.items())
    nan = "typeof(_t) IN ('DOUBLE', 'FLOAT') AND isnan(TRY_CAST(CAST(_t AS VARCHAR) AS DOUBLE))"
    told = f"SELECT ({loop.target.sql}) AS _t FROM (SELECT {columns})"
    return f"SELECT CASE WHEN NOT coalesce({nan}, false) THEN _t END FROM ({told})"
