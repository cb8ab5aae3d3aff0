"""A database is read, and nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.data import databases
from ratchet.errors import ContractError, MissingPackage, RatchetError, SourceError
from ratchet.settings import Settings
from tests.conftest import free_port
from tests.given.drivers import recording

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


def test_mysql_reads_in_transactions_that_only_read() -> None:
    ran: list[str] = []

    for kind in ("mysql", "mariadb", "oracle"):
        databases._prepare(kind, recording(ran), None)
    assert ran == ["SET SESSION TRANSACTION READ ONLY", "SET time_zone = '+00:00'"] * 2


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

    def refuse(url: sa.URL, **_: Any) -> sa.Engine:
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


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database whose table `t` may hold anything, for all examples of a property."""
    path = tmp_path_factory.mktemp("property") / "any.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a, b, c)")
    return path


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LONG = st.integers(-(2**63), 2**63 - 1)
PROPERTY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
SQLITE = st.one_of(LONG, st.floats(allow_nan=False), TEXT, st.binary(max_size=20), st.none())  # it has no NaN


def _exact(value: Any) -> Any:
    """Tell floats apart by their bits: NaN, and -0.0 from 0."""
    return struct.pack("d", value) if isinstance(value, float) else value


@PROPERTY
@given(st.lists(st.tuples(LONG | st.none(), st.floats(allow_nan=False) | st.none(), SQLITE), min_size=1, max_size=8))
def test_what_sqlite_holds_comes_back_bit_for_bit(shared: Path, rows: list[tuple[Any, ...]]) -> None:
    with contextlib.closing(sqlite3.connect(shared)) as connection, connection:
        connection.execute("DELETE FROM t")
        connection.executemany("INSERT INTO t (a, b, c) VALUES (?, ?, ?)", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_PART", 3)
        table = databases.read(f"sqlite:///{shared}", {"t": "SELECT a, b, c FROM t ORDER BY n"}, BOUNDS, shared.parent)[
            "t"
        ]
    for held, column in zip(zip(*rows, strict=True), table.columns, strict=True):
        if len({type(value) for value in held} - {type(None)}) > 1:
            held = tuple(value if value is None else databases.columns.text(value) for value in held)
        assert list(map(_exact, column.to_pylist())) == list(map(_exact, held))


DAY = [(1, "2013-01-04 23:59:59"), (2, "2013-01-05 00:00:00"), (3, "2013-01-05 23:59:59"), (4, "2013-01-06 00:00:00")]


@pytest.mark.parametrize(
    ("column", "where"),
    [
        ("day", "day >= :start AND day < :end"),
        ("moment", "day >= :start AND day < :end"),
        ("iso", "day >= :start AND day < :end"),
        ("moment", "datetime(day) >= :start AND datetime(day) < :end"),
        ("moment", "date(day) >= :start AND date(day) < :end"),
        ("epoch", "day >= unixepoch(:start) AND day < unixepoch(:end)"),
        ("julian", "day >= julianday(:start) AND day < julianday(:end)"),
    ],
)
def test_day_d_of_sqlite_is_day_d(tmp_path: Path, column: str, where: str) -> None:
    """Dates are text there: with the bound '2013-01-06 00:00:00', the day would be the one after."""
    write = {
        "day": "substr(?2, 1, 10)",
        "iso": "replace(?2, ' ', 'T')",
        "epoch": "unixepoch(?2)",
        "julian": "julianday(?2)",
    }
    with contextlib.closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE sales (n INTEGER, day)")
        connection.executemany(f"INSERT INTO sales VALUES (?1, {write.get(column, '?2')})", DAY)
    found = _read(tmp_path, "sqlite:///shop.db", f"SELECT n FROM sales WHERE {where} ORDER BY n")
    assert found == [{"n": 2}, {"n": 3}]


def test_a_kind_whose_dates_are_unknown_is_given_moments() -> None:
    assert databases._bound(BOUNDS, "mssql") == BOUNDS
    assert databases._bound(BOUNDS, "mysql") == {"start": "2013-01-05", "end": "2013-01-06"}


def test_values_of_several_types_are_text_and_names_stay(tmp_path: Path) -> None:
    _shop(tmp_path / "shop.db")
    text = "SELECT 9007199254740993 AS a UNION ALL SELECT 2.5 UNION ALL SELECT 'x' UNION ALL SELECT NULL"
    read = databases.read("sqlite:///shop.db", {"t": text, "u": 'SELECT 1 AS a, 2 AS "t.a", 3 AS a'}, BOUNDS, tmp_path)
    assert sorted(read["t"].column("a").to_pylist(), key=str) == ["2.5", "9007199254740993", None, "x"]
    assert read["u"].column_names == ["a", "t.a", "a"]
    assert [column.to_pylist() for column in read["u"].columns] == [[1], [2], [3]]
