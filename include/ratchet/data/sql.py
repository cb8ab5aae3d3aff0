"""SQL that a contract brings: one SELECT, on a connection that reaches nothing but what it was given before.

https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview tells what DuckDB can lock.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.errors import ContractError
from ratchet.text import one_line

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}

_NODES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")  # the queries that read
_RUNS = ("query", "json_execute_serialized_sql")
_databases: dict[int, duckdb.DuckDBPyConnection] = {}


def connect() -> duckdb.DuckDBPyConnection:
    """Open a database in memory, on one thread: sums come in one order, so that the same data give the same bits.

    Its clock is UTC's, whatever the host's.
    """
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def shared() -> duckdb.DuckDBPyConnection:
    """Connect to one database of this process, for SQL of our own: opening another costs as much as a small day.

    What is registered or made is the connection's alone, and goes with it. A process that was forked has its own.
    """
    process = os.getpid()
    if process not in _databases:
        _databases[process] = connect()
    connection = _databases[process].cursor()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def give(connection: duckdb.DuckDBPyConnection, of: str, columns: Mapping[str, str], table: pa.Table) -> str:
    """Make a table of DuckDB of some columns of an Arrow table, in the contract's types; return its name, quoted.

    of: what the table is called in the contract: no name there is one of ours.
    """
    given, own = name(f"_ratchet_given_{of}"), name(f"_ratchet_rows_of_{of}")
    connection.register(f"_ratchet_given_{of}", table)
    chosen = ", ".join(f"CAST({name(column)} AS {_TYPES[kind]}) AS {name(column)}" for column, kind in columns.items())
    connection.execute(f"CREATE TEMP TABLE {own} AS SELECT {chosen} FROM {given}")
    return own


def lock(connection: duckdb.DuckDBPyConnection, files: Collection[str] = ()) -> None:
    """Let a connection reach no file, network, extension or Python variable from here on, but for these files.

    Nothing can take that back. A folder is never given: a COPY … TO would write there. DuckDB gives itself the one for
    what does not fit into memory, so there is none. A file that is given can be written too: `select` shuts COPY out.
    """
    connection.execute("SET temp_directory = ''")
    connection.execute("SET allowed_directories = []")
    if files:
        listed = ", ".join(quoted(path) for path in files)
        connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


@lru_cache(maxsize=256)  # a look costs a connection, and the same text is asked about day by day
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
        one = str(found[0].query).strip().rstrip(";")
        if writes := _writes(one):
            raise ContractError(f"{where}: expected a SELECT that only reads, and it holds {writes}. Write it without")
        return one
    said = "it holds no statement" if not kinds else f"it holds {', '.join(kinds)}"
    pivot = ". A PIVOT has to list its values: PIVOT … ON column IN (…)" if "MULTI" in kinds else ""
    raise ContractError(f"{where}: expected one SELECT, and {said}{pivot}. Mend it and run: ratchet lint")


@lru_cache(maxsize=256)
def unparsed(expression: str) -> str:
    """Return why a text is no expression of SQL, in DuckDB's words; nothing where it is one."""
    why = _parse(expression)  # alone it has no end too many, in brackets it is one expression
    if " near " in why and "]" not in why and _parse(f"{expression} ]").endswith('"]"'):  # up to its end all is well
        return f"{why}, where it ends: something is missing, as END or a bracket"
    return why or _parse(f"({expression})")


def _parse(expression: str) -> str:
    """Return DuckDB's words where its parser does not take an expression; nothing where it does."""
    import duckdb

    try:
        duckdb.extract_statements(f"SELECT {expression}")
    except duckdb.Error as error:
        return said(error)
    return ""


def said(error: Exception) -> str:
    """Return DuckDB's words of an error, without what is ours: the query around a contract's SQL, and our names."""
    words = re.split(r"\n+LINE \d+: ", str(error))[0]
    return one_line(re.sub(r'"[^"]*_ratchet_[^"]*"(, )?', "", words).rstrip(", "), 400)


def _writes(text: str) -> str | None:
    """Return what a SELECT holds that writes, or that runs what was not looked at; None where there is none.

    To DuckDB, `WITH x AS (COPY …) SELECT …` is a SELECT; the tree of its own parser tells what is in it. The tree is
    JSON, so a quote within a literal or a name is escaped, and neither passes for a node.
    """
    with connect() as connection:
        tree = str(connection.execute("SELECT json_serialize_sql($1)", [text]).fetchall()[0][0])
    if not tree.startswith('{"error":false'):
        return "what DuckDB's parser cannot show"
    for node in re.findall(r'"type":"(\w+_NODE)"', tree):
        if node not in _NODES:
            return str(node).split("_", 1)[0]
    for function in re.findall(r'"function_name":"(\w+)"', tree):
        if function.lower() in _RUNS:
            return f"{function}(), which runs SQL that it is given"
    return None


def columns(expression: str) -> list[str]:
    """List the names that an expression reads, in its order: of columns, and of what qualifies them."""
    import duckdb

    with connect() as connection:
        try:
            tree = str(connection.execute("SELECT json_serialize_sql($1)", [f"SELECT {expression}"]).fetchall()[0][0])
        except duckdb.Error:
            return []
    return list(dict.fromkeys(_read(json.loads(tree))))


def outcomes(expression: str) -> list[str] | None:
    """List the texts that a CASE gives, in its order; None where it is no CASE, or gives anything else but null."""
    import duckdb

    with connect() as connection:
        try:
            tree = str(connection.execute("SELECT json_serialize_sql($1)", [f"SELECT {expression}"]).fetchall()[0][0])
        except duckdb.Error:
            return None
    try:
        node = json.loads(tree)["statements"][0]["node"]["select_list"][0]
    except (KeyError, IndexError):  # no SQL
        return None
    if node["class"] != "CASE":
        return None
    given = [*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]]
    told = [each.get("literal", {}) for each in given]
    if not all(each.get("kind") in ("STRING", "NULL_LITERAL") for each in told):
        return None
    return [each["text"] for each in told if each["kind"] == "STRING"]


def literals(expression: str) -> list[str]:
    """List the texts in quotes of some SQL, in its order."""
    return list(dict.fromkeys(each.replace("''", "'") for each in re.findall(r"'((?:[^']|'')*)'", expression)))


def _read(node: Any) -> Iterator[str]:
    """Yield the names of all references to columns in a tree."""
    if isinstance(node, dict):
        if node.get("class") == "COLUMN_REF":
            yield from node["column_names"]
        for each in node.values():
            yield from _read(each)
    elif isinstance(node, list):
        for each in node:
            yield from _read(each)


def quoted(text: str) -> str:
    """Write a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Write a name as an identifier of SQL."""
    return '"' + text.replace('"', '""') + '"'
