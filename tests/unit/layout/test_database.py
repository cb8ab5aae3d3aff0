"""A sample of a database, and the SELECT of the contract."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from ratchet.errors import RequestError
from ratchet.layout import database, look
from ratchet.layout.database import Query


def test_a_table_is_quoted_as_its_database_does(tmp_path: Path) -> None:
    def text(url: str) -> str:
        return database.query(url, None, 'my."order', tmp_path, tmp_path).text

    assert text("postgresql://host/name") == 'SELECT * FROM "my"."""order"'
    assert text("mysql+pymysql://host/name") == 'SELECT * FROM `my`.`"order`'
    assert text("mssql+pyodbc://host/name") == 'SELECT * FROM [my].["order]'


def test_a_file_is_named_as_the_loop_sees_it(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "shop.db").execute("CREATE TABLE t (x)")
    folder = tmp_path / "loops" / "x"
    assert (
        database.query(str(tmp_path / "shop.db"), "SELECT 1", None, folder, tmp_path).url == "sqlite:///../../shop.db"
    )
    away = database.query(str(tmp_path / "shop.db"), "SELECT 1", None, folder, tmp_path / "loops")
    assert (away.url, away.relative) == (f"sqlite:///{tmp_path / 'shop.db'}", False)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "There is no file"), (b"a,b\n", "no database of SQLite or DuckDB")]
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(RequestError, match=words):
        database.query(str(tmp_path / "x.db"), "SELECT 1", None, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("url", "text", "expected"),
    [
        (
            "sqlite:///x",
            "SELECT a FROM t",
            'SELECT * FROM (SELECT a FROM t) AS q WHERE q."at" >= :start AND q."at" < :end',
        ),
        ("duckdb:///x", "FROM t", 'SELECT * FROM (FROM t) AS q WHERE q."at" >= $start AND q."at" < $end'),
        ("sqlite:///x", "SELECT a FROM t WHERE at > :start", "SELECT a FROM t WHERE at > :start"),
    ],
)
def test_the_select_has_the_days_bounds_once(url: str, text: str, expected: str) -> None:
    sample = look.at_table(pa.table({"at": ["2024-03-01", "2024-03-02"]}))
    assert database.select(Query(url, text), sample, "at") == expected


def test_dates_that_are_not_in_the_order_of_time_are_refused() -> None:
    sample = look.at_table(pa.table({"at": ["31.03.2024", "01.04.2024"]}))
    with pytest.raises(RequestError, match="not in the order of time"):
        database.select(Query("sqlite:///x", "SELECT 1"), sample, "at")


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT 1 -- one\nFROM t", "SELECT 'a  b'", "SELECT\n  1"])
def test_the_source_is_yaml_that_holds_the_query(text: str) -> None:
    lines = "\n".join(database.source(Query("sqlite:///x", text), "no", text))
    read = YAML(typ="safe").load(lines)["options"]
    assert read["database"] == "sqlite:///x"
    assert read["tables"]["no"].split() == text.split()
