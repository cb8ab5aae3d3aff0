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
    "text", ["SELECT 1", "FROM t", "WITH a AS (SELECT 1) SELECT * FROM a;", "-- why\nSELECT 1 -- ;\n", "VALUES (1)"]
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
    for attempt in (f"FROM read_csv('{other}')", f"COPY t TO '{tmp_path}/new'", "SET enable_external_access = true"):
        with pytest.raises(duckdb.Error):
            connection.execute(attempt)


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_what_is_quoted_is_a_value_and_a_name(text: str) -> None:
    connection = sql.connect()
    assert connection.sql(f"SELECT {sql.quoted(text)}").fetchall() == [(text,)]
    if text:
        assert connection.sql(f"SELECT 1 AS {sql.name(text)}").columns == [text]
