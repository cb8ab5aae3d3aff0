"""A database is read, and nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from ratchet.data import databases
from ratchet.errors import ContractError, MissingPackage, RatchetError, SourceError
from ratchet.settings import Settings
from tests.conftest import free_port

BOUNDS = {"start": dt.datetime(2013, 1, 5), "end": dt.datetime(2013, 1, 6)}


def _read(folder: Path, database: str, text: str) -> list[dict[str, Any]]:
    table: pa.Table = databases.read(database, {"t": text}, BOUNDS, folder)["t"]
    return list(table.to_pylist())


def _shop(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE sales (day TEXT, amount REAL)")
        connection.execute("INSERT INTO sales VALUES ('2013-01-05 10:00:00', 2.5), ('2013-01-06 10:00:00', 9)")
    return path


def test_a_days_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", str(_shop(tmp_path / "a b?#%41.db")))
    text = "SELECT amount, ':end' AS said FROM sales WHERE day >= :start AND day < :end -- :other"
    assert _read(tmp_path, "sqlite:///${RATCHET_SOURCE_SHOP}", text) == [{"amount": 2.5, "said": ":end"}]
    monkeypatch.delenv("RATCHET_SOURCE_SHOP")
    with pytest.raises(SourceError, match="RATCHET_SOURCE_SHOP, which is not set"):
        _read(tmp_path, "sqlite:///${RATCHET_SOURCE_SHOP}", text)


def test_a_relative_path_is_seen_from_the_loop_and_not_from_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "loop", tmp_path / "elsewhere"
    folder.mkdir()
    _shop(elsewhere / "data" / "shop.db")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(SourceError, match="unable to open"):
        _read(folder, "sqlite:///data/shop.db", "SELECT * FROM sales")
    assert not (folder / "data").exists()
    _shop(folder / "data" / "shop.db")
    assert len(_read(folder, "sqlite:///data/shop.db", "SELECT * FROM sales")) == 2


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unable to open"):
        _read(tmp_path, "sqlite:///none.db", "SELECT 1 AS a")
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_being_written_is_read(tmp_path: Path) -> None:
    path = _shop(tmp_path / "shop.db")
    with sqlite3.connect(path) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO sales VALUES ('2013-01-07', 1)")
    assert len(_read(tmp_path, "sqlite:///shop.db", "SELECT * FROM sales")) == 3
    writer.close()
    assert len(_read(tmp_path, "sqlite:///shop.db", "SELECT * FROM sales")) == 3


def test_the_databases_of_an_installation_are_no_data(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var = Settings.current().var
    file = _shop(var / "airflow" / "airflow.db")
    monkeypatch.chdir(var.parent)
    (place / "link.db").symlink_to(file)
    monkeypatch.setenv("RATCHET_SOURCE_URL", f"sqlite:///{file}")
    for name in (
        f"sqlite:///{file}",
        f"sqlite:///{file.relative_to(var.parent)}",
        f"sqlite:///file:{file}?mode=ro&uri=true",
        f"sqlite:///file://{file}?uri=true",
        f"sqlite:///file:{file}",
        f"sqlite+pysqlite:///{file}",
        "sqlite:///link.db",
        "${RATCHET_SOURCE_URL}",
    ):
        with pytest.raises((ContractError, SourceError), match=r"no data|nothing else|unable to open"):
            _read(place, name, "SELECT * FROM sales")


@pytest.mark.parametrize(
    "rest", ["", "/", "/:memory:", "/shop.db?timeout=3", "/shop.db?vfs=unix", "/file:shop.db", "/file:shop.db?uri=true"]
)
def test_sqlite_is_given_a_path_and_nothing_else(tmp_path: Path, rest: str) -> None:
    _shop(tmp_path / "shop.db")
    with pytest.raises(ContractError, match="SQLite is given a file's path and nothing else"):
        _read(tmp_path, f"sqlite://{rest}", "SELECT 1")


def test_duckdb_is_no_database_of_a_source(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is DuckDB's, whose SQL could read every other file"):
        _read(tmp_path, f"duckdb:///{tmp_path}/x.db", "SELECT 1")


@pytest.mark.parametrize(
    "attempt",
    [
        "ATTACH '{other}' AS other",
        "DELETE FROM sales",
        "DROP TABLE sales",
        "INSERT INTO sales VALUES ('2013-01-05', 1)",
        "PRAGMA writable_schema = 1",
        "VACUUM INTO '{other}.copy'",
        "WITH x AS (SELECT 1) DELETE FROM sales",
        "SELECT 1; DELETE FROM sales",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('{other}')",
    ],
)
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_database_is_read_and_nothing_else(
    tmp_path: Path, attempt: str, looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are looked at first. Where that missed something, SQLite itself would refuse."""
    one, other = _shop(tmp_path / "shop.db"), _shop(tmp_path / "other.db")
    before = one.read_bytes(), other.read_bytes()
    if not looked_at:
        monkeypatch.setattr(databases.statements, "reading", lambda text, *_: text)
    with pytest.raises((ContractError, SourceError), match=r"expected one SELECT|authoriz|one statement at a time"):
        _read(tmp_path, f"sqlite:///{one}", attempt.format(other=other))
    assert (one.read_bytes(), other.read_bytes()) == before
    assert not Path(f"{other}.copy").exists()


def test_postgresql_reads_through_a_cursor_in_a_transaction_that_only_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor is declared for one SELECT alone: PostgreSQL refuses all else that is sent."""
    seen: dict[str, Any] = {}

    def read_sql(_text: Any, connection: sa.Connection, params: Any) -> pd.DataFrame:
        seen.update(connection.get_execution_options(), params=params)
        return pd.DataFrame({"a": [1]})

    real = sa.create_engine
    monkeypatch.setattr(sa, "create_engine", lambda _url: real("sqlite://"))
    monkeypatch.setattr(pd, "read_sql", read_sql)
    assert _read(tmp_path, "postgresql://reader@host/shop", "SELECT 1 WHERE :start < now()") == [{"a": 1}]
    assert seen["postgresql_readonly"]
    assert seen["stream_results"]
    assert seen["params"] == {"start": BOUNDS["start"]}


def test_mysql_reads_in_transactions_that_only_read() -> None:
    ran: list[str] = []

    class Cursor:
        execute = staticmethod(ran.append)
        close = staticmethod(lambda: None)

    class Raw:
        cursor = Cursor

    for kind in ("mysql", "mariadb", "oracle"):
        databases._read_only(kind, Raw(), None)
    assert ran == ["SET SESSION TRANSACTION READ ONLY"] * 2


def test_a_variable_is_one_part_of_a_url_whatever_its_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_PASSWORD", "p@ss:w/rd?#%41")
    text = (
        "postgresql://reader:${RATCHET_SOURCE_PASSWORD}@h/shop?"
        "password=${RATCHET_SOURCE_PASSWORD}&host=a&host=${RATCHET_SOURCE_PASSWORD}"
    )
    url, hidden = databases._url(text, tmp_path)
    assert (url.password, url.host, url.database) == ("p@ss:w/rd?#%41", "h", "shop")
    assert dict(url.query) == {"password": "p@ss:w/rd?#%41", "host": ("a", "p@ss:w/rd?#%41")}
    assert set(hidden) == {"p@ss:w/rd?#%41"}
    url, _ = databases._url("postgresql://RATCHET7X@RATCHET8X/shop", tmp_path)
    assert (url.username, url.host) == ("RATCHET7X", "RATCHET8X")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+stub://reader:${RATCHET_SOURCE_SECRET}@127.0.0.1:{port}/shop",
        "postgresql+stub://127.0.0.1:{port}/shop?user=me&password=${RATCHET_SOURCE_SECRET}",
        "postgresql+stub://127.0.0.1:{port}/shop?user=me&password=w%2Frd%3F",
        "postgresql+stub://reader:w%2Frd%3F@127.0.0.1:{port}/shop",
        "${RATCHET_SOURCE_URL}",
    ],
)
def test_no_secret_of_a_url_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    port = free_port()
    monkeypatch.setenv("RATCHET_SOURCE_SECRET", "w/rd?")
    monkeypatch.setenv("RATCHET_SOURCE_URL", f"postgresql+stub://127.0.0.1:{port}/shop?user=me&password=w%2Frd%3F")

    def refuse(url: sa.URL) -> sa.Engine:
        raise ConnectionError(f"no: w/rd? w%2Frd%3F {url.render_as_string(hide_password=False)}")

    monkeypatch.setattr(sa, "create_engine", refuse)
    with pytest.raises(SourceError, match="ConnectionError: no") as caught:
        _read(tmp_path, text.replace("{port}", str(port)), "SELECT 1")
    assert "w/rd" not in str(caught.value)
    assert "w%2Frd" not in str(caught.value)
    assert f"127.0.0.1:{port}/shop: " in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("SELECT 1 AS a UNION ALL SELECT 'x'", ContractError, "its rows are no table: .*CAST it to one type"),
        ("SELECT 1 AS a, 2 AS a", ContractError, "its rows are no table"),
        ("SELECT :other AS a", SourceError, "A value is required for bind parameter 'other'"),
        ("SELECT * FROM missing", SourceError, "no such table: missing"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str, kind: type[RatchetError], words: str) -> None:
    _shop(tmp_path / "shop.db")
    with pytest.raises(kind, match=words):
        _read(tmp_path, "sqlite:///shop.db", text)


def test_what_is_no_url_and_what_has_no_driver(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is not a database's URL"):
        _read(tmp_path, "nonsense", "SELECT 1")
    with pytest.raises(ContractError, match="which is no path"):
        _read(tmp_path, "sqlite:///a\0b", "SELECT 1")
    with pytest.raises(MissingPackage, match="nodriver"):
        _read(tmp_path, "sqlite+nodriver:///x", "SELECT 1")
