"""A DuckDB database is read, and nothing else."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ratchet.data import attached, databases
from ratchet.errors import ContractError, SourceError
from ratchet.settings import Settings

BOUNDS = {"start": dt.datetime(2013, 1, 5), "end": dt.datetime(2013, 1, 6)}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "loop" / "data" / "o'shop.duckdb"
    path.parent.mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute("CREATE TABLE sales (n BIGINT, d DATE, ts TIMESTAMP, tz TIMESTAMPTZ, day TEXT, moment TEXT)")
        for n, at in (
            (9007199254740993, "2013-01-05 00:00:00"),
            (2, "2013-01-05 23:59:59"),
            (3, "2013-01-06 00:00:00"),
        ):
            values = [n, at[:10], at, f"{at}+00", at[:10], at]
            connection.execute("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)", values)
        connection.execute("CREATE VIEW latest AS SELECT max(n) AS n FROM sales")
        connection.execute(f"CREATE VIEW leak AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
        connection.execute(f"CREATE MACRO spill() AS TABLE SELECT * FROM read_text('{tmp_path}/secret.csv')")
    return tmp_path / "loop"


def _read(folder: Path, text: str, database: str = "duckdb:///data/o'shop.duckdb") -> list[dict[str, Any]]:
    table: pa.Table = databases.read(database, {"t": text}, BOUNDS, folder)["t"]
    return list(table.to_pylist())


@pytest.mark.parametrize("column", ["d", "ts", "tz", "day", "moment"])
def test_bounds_fit_a_column_of_any_type(shop: Path, column: str) -> None:
    found = _read(shop, f"SELECT n FROM sales WHERE {column} >= $start AND {column} < $end ORDER BY n")
    assert found == [{"n": 2}, {"n": 9007199254740993}]


def test_bounds_are_moments_wherever_they_can_be(shop: Path) -> None:
    text = "SELECT count(*) AS n, '$end' AS said FROM sales WHERE ts >= $start - INTERVAL 1 DAY -- $other"
    assert _read(shop, text) == [{"n": 3, "said": "$end"}]


def test_moments_are_utcs_and_views_are_read(shop: Path) -> None:
    found = _read(shop, "SELECT max(tz) AS tz, (SELECT n FROM latest) AS n FROM source.sales")
    assert found == [{"tz": dt.datetime(2013, 1, 6, tzinfo=dt.UTC), "n": 9007199254740993}]


@pytest.mark.parametrize(
    "attempt",
    [
        "FROM leak",
        "FROM spill()",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM read_text('{folder}/secret.csv')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "ATTACH '{folder}/other.duckdb' AS other",
        "ATTACH '{folder}/other.duckdb' AS other (READ_ONLY)",
        "COPY sales TO '{folder}/written.csv'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "DELETE FROM sales",
        "DROP TABLE sales",
        "CREATE TABLE more AS FROM sales",
        "SELECT * FROM shop",
    ],
)
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_database_is_read_and_nothing_else(
    shop: Path, attempt: str, looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser looks first. Where that missed something, the lock and the read-only file would refuse."""
    with duckdb.connect(shop.parent / "other.duckdb") as connection:
        connection.execute("CREATE TABLE passwords AS SELECT 'hunter2' AS password")
    before = {path: path.read_bytes() for path in shop.parent.rglob("*") if path.is_file()}
    if not looked_at:
        monkeypatch.setattr(attached.sql, "select", lambda text, _: text)
    with pytest.raises((ContractError, SourceError)) as caught:
        _read(shop, attempt.format(folder=shop.parent))
    assert "hunter2" not in str(caught.value)
    assert {path: path.read_bytes() for path in shop.parent.rglob("*") if path.is_file()} == before


def test_duckdb_would_write_the_log_of_the_file_and_the_parser_shuts_that_out(shop: Path) -> None:
    log = shop / "data" / "o'shop.duckdb.wal"
    attempt = f"COPY sales TO '{str(log).replace(chr(39), chr(39) * 2)}'"
    for text in (attempt, f"WITH w AS ({attempt}) SELECT * FROM sales"):
        with pytest.raises(ContractError, match="expected"):
            _read(shop, text)
    assert not log.exists()


@pytest.mark.parametrize(
    "database",
    [
        "duckdb://",
        "duckdb:///",
        "duckdb:///:memory:",
        "duckdb:///x.db?threads=3",
        "duckdb://host/x.db",
        "duckdb:///file:x",
    ],
)
def test_duckdb_is_given_a_path_and_nothing_else(shop: Path, database: str) -> None:
    with pytest.raises(ContractError, match="DuckDB is given a file's path and nothing else"):
        _read(shop, "SELECT 1", database)


def test_the_files_of_an_installation_are_no_data(place: Path) -> None:
    file = Settings.current().var / "x.duckdb"
    duckdb.connect(file).close()
    (place / "link.duckdb").symlink_to(file)
    for name in (f"duckdb:///{file}", "duckdb:///link.duckdb"):
        with pytest.raises(ContractError, match="which is no data"):
            _read(place, "SELECT 1", name)


def test_what_is_not_there_no_database_or_being_written_is_told(shop: Path) -> None:
    with pytest.raises(SourceError, match=r"Cannot read the DuckDB database .*none\.duckdb: .* Check source"):
        _read(shop, "SELECT 1", "duckdb:///none.duckdb")
    assert not (shop / "none.duckdb").exists()
    (shop / "x.csv").write_text("n\n1\n")
    with pytest.raises(SourceError, match="not a valid DuckDB"):
        _read(shop, "SELECT 1", "duckdb:///x.csv")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(shop / "data" / "o'shop.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "held\n"
        with pytest.raises(SourceError, match="lock") as caught:
            _read(shop, "SELECT 1")
        assert caught.value.retriable
        writer.communicate("")
    with pytest.raises(ContractError, match=r"SQL fails: .*nothing.* Mend source\.options\.tables"):
        _read(shop, "SELECT nothing FROM sales WHERE ts >= $start")
