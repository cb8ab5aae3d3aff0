"""SQL that a contract brings: one SELECT, on a connection that reaches nothing but what it was given before.

https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview tells what DuckDB can lock.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.errors import ContractError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """Open a database in memory, on one thread: sums come in one order, so that the same data give the same bits."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def lock(connection: duckdb.DuckDBPyConnection, files: Collection[str] = ()) -> None:
    """Let a connection reach no file, network, extension or Python variable from here on, but for these files.

    Nothing can take that back. A folder is never given: a COPY … TO would write there.
    """
    if files:
        listed = ", ".join(quoted(path) for path in files)
        connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def select(text: str, where: str | Path) -> str:
    """Return the one SELECT that a text is. Raises ContractError where it is another statement, none, or several.

    where: the place that the error names.
    """
    import duckdb

    try:
        found = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise ContractError(f"{where}: not SQL: {one_line(str(error), 400)}. Mend it and run: ratchet lint") from None
    kinds = [str(each.type).rpartition(".")[2] for each in found]
    if kinds == ["SELECT"]:
        return str(found[0].query).strip().rstrip(";")
    said = "it holds no statement" if not kinds else f"it holds {', '.join(kinds)}"
    pivot = ". A PIVOT has to list its values: PIVOT … ON column IN (…)" if "MULTI" in kinds else ""
    raise ContractError(f"{where}: expected one SELECT, and {said}{pivot}. Mend it and run: ratchet lint")


def quoted(text: str) -> str:
    """Write a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Write a name as an identifier of SQL."""
    return '"' + text.replace('"', '""') + '"'
