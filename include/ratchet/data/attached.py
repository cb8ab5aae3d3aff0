"""Read tables from a DuckDB database: its file is attached to be read, and then nothing else can be reached.

A view or a macro that the file holds is bound by the same lock as the contract's SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.data import places, sql
from ratchet.errors import ContractError, SourceError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def read(
    name: str, tables: Mapping[str, str], bounds: Mapping[str, dt.datetime], folder: Path, field: str
) -> dict[str, pa.Table]:
    """Run each table's SELECT, with the bounds that it names as parameters.

    name: the file, seen from the folder of the loop. field: the place in its contract that an error names.
    Raises ContractError, and SourceError where the file cannot be read now, as while another process writes it.
    """
    import duckdb

    where = folder / "loop.yaml"
    texts = {table: sql.select(text, f"{where}: source.options.tables.{table}") for table, text in tables.items()}
    path = places.data(folder / name, field, folder)
    with sql.connect() as connection:
        try:
            connection.execute(f"ATTACH {sql.quoted(str(path))} AS source (TYPE duckdb, READ_ONLY)")
            connection.execute("USE source")
            sql.lock(connection)
            return {table: _rows(connection, text, bounds) for table, text in texts.items()}
        except (duckdb.IOException, duckdb.SerializationException) as error:
            raise SourceError(
                f"Cannot read the DuckDB database {path}: {one_line(str(error), 400)}. Check {field} in {where}"
            ) from error
        except duckdb.Error as error:
            raise ContractError(
                f"The query source's SQL fails: {one_line(str(error), 400)}. Mend source.options.tables in {where}"
            ) from error


def _rows(connection: duckdb.DuckDBPyConnection, text: str, bounds: Mapping[str, dt.datetime]) -> pa.Table:
    """Run a SELECT with the bounds as moments, or as ISO days: DuckDB compares a text with no moment."""
    import duckdb

    named = {name: bounds[name] for name in duckdb.extract_statements(text)[0].named_parameters if name in bounds}
    try:
        return connection.sql(text, params=named).to_arrow_table()
    except duckdb.BinderException as error:
        days = {name: moment.date().isoformat() for name, moment in named.items()}
        try:
            return connection.sql(text, params=days).to_arrow_table()
        except duckdb.BinderException:
            raise error from None  # what is wrong is something else
