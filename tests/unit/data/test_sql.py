"""One SELECT, on a connection that reaches nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.data import sql
from ratchet.errors import ContractError


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "FROM t",
        "WITH a AS (SELECT 1) SELECT * FROM a;",
        "-- why\nSELECT 1 -- ;\n",
        "VALUES (1)",
        "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 3) SELECT * FROM a",
        "FROM a UNION ALL BY NAME FROM b",
        "PIVOT t ON a IN (1, 2) USING sum(b)",
        "SELECT '(delete from x)', 'with x as (copy (select 1) to ''y'') select 1'",
        "SELECT 1 -- (copy\n, 2 /* WITH x AS (DELETE FROM t) */",
        "SELECT copy, update, query FROM t",
        """SELECT '"type":"DELETE_QUERY_NODE"' AS "a""type"":""COPY_QUERY_NODE"" ", {'type': 'X_NODE'}""",
        """SELECT '"function_name":"query"'""",
        "SELECT " + " + ".join(["n"] * 900) + " FROM t",
    ],
)
def test_one_select_is_one(text: str) -> None:
    assert not sql.select(text, "x").endswith(";")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it holds no statement"),
        ("-- nothing", "it holds no statement"),
        ("SELECT 1; SELECT 2", "it holds SELECT, SELECT"),
        ("COPY t TO 'x'", "it holds COPY"),
        ("SET lock_configuration = false", "it holds SET"),
        ("INSTALL httpfs", "it holds LOAD"),
        ("ATTACH 'x'", "it holds ATTACH"),
        ("CREATE TABLE x (a INT)", "it holds CREATE"),
        ("PIVOT t ON a", "A PIVOT has to list its values"),
        ("SELECT (", "not SQL"),
        ("WITH x AS (COPY (SELECT 1) TO 'y') SELECT 1", "it holds COPY"),
        ("with x as not materialized (copy t to 'y' (use_tmp_file false)) from t", "it holds COPY"),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "it holds INSERT"),
        ("WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x", "it holds UPDATE"),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "it holds DELETE"),
        ("WITH x AS (WITH y AS (SELECT 1) DELETE FROM t RETURNING *) FROM x", "it holds DELETE"),
        ("SELECT (WITH x AS (DELETE FROM t RETURNING *) SELECT max(a) FROM x)", "it holds DELETE"),
        ("DESCRIBE WITH x AS (DELETE FROM t RETURNING *) FROM x", "it holds DELETE"),
        ("WITH x AS (MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE) FROM x", "not SQL"),
        ("FROM query('SELECT 1')", r"it holds query\(\)"),
        ("FROM t, system.main.\"Query\"('SELECT 1')", r"it holds query\(\)"),
        ("FROM json_execute_serialized_sql('{}')", r"it holds json_execute_serialized_sql\(\)"),
    ],
)
def test_what_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        sql.select(text, "loop.yaml: target.sql")
    assert str(caught.value).startswith("loop.yaml: target.sql: ")


def test_a_locked_connection_reaches_its_tables_and_the_files_that_it_was_given(tmp_path: Path) -> None:
    given_file, other = tmp_path / "it's.csv", tmp_path / "other.csv"
    for file in (given_file, other):
        file.write_text("n\n1\n")
    connection = sql.connect()
    connection.register("t", pa.table({"n": [2]}))
    sql.lock(connection, [str(given_file)])
    assert connection.sql("FROM t").fetchall() == [(2,)]
    assert connection.sql(f"FROM read_csv({sql.quoted(str(given_file))})").fetchall() == [(1,)]
    granted = "SELECT name, value FROM duckdb_settings() WHERE name IN ('allowed_directories', 'temp_directory')"
    assert sorted(connection.sql(granted).fetchall()) == [("allowed_directories", "[]"), ("temp_directory", "")]
    for attempt in (f"FROM read_csv('{other}')", f"COPY t TO '{tmp_path}/new'", "SET enable_external_access = true"):
        with pytest.raises(duckdb.Error):
            connection.execute(attempt)


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_what_is_quoted_is_a_value_and_a_name(text: str) -> None:
    connection = sql.connect()
    assert connection.sql(f"SELECT {sql.quoted(text)}").fetchall() == [(text,)]
    if text:
        assert connection.sql(f"SELECT 1 AS {sql.name(text)}").columns == [text]


def test_what_an_expression_reads_and_quotes() -> None:
    assert sql.columns("CASE WHEN t.a > 1 AND \"B\" = 'c' THEN d END") == ["t", "a", "B", "d"]
    assert sql.columns("1 + 1") == []
    assert sql.columns("no sql (") == []
    assert sql.literals("a = 'it''s' OR b = 'x' OR c = 'x'") == ["it's", "x"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CASE WHEN a IS NULL THEN NULL WHEN a < 0 THEN 'it''s' ELSE 'x' END", ["it's", "x"]),
        ("CASE a WHEN 'b' THEN 'x' END", ["x"]),
        ("CASE WHEN a THEN 'x' ELSE b END", None),
        ("CASE WHEN a THEN 'x' ELSE 3 END", None),
        ("a", None),
        ("no sql (", None),
    ],
)
def test_what_a_case_gives(text: str, found: list[str] | None) -> None:
    assert sql.outcomes(text) == found


def test_shared_connections_see_nothing_of_each_other() -> None:
    with sql.shared() as first, sql.shared() as second:
        first.register("brought", pa.table({"n": [1]}))
        second.register("brought", pa.table({"n": [2]}))
        assert first.sql("FROM brought").fetchall() == [(1,)]
        assert second.sql("FROM brought").fetchall() == [(2,)]
        assert first.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
    with sql.shared() as third, pytest.raises(duckdb.CatalogException):
        third.sql("FROM brought")
