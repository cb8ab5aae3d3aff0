"""The query source: files, URLs, databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from ratchet.data.sources import query
from ratchet.errors import ContractError, MissingPackage, SourceError
from ratchet.settings import Settings
from tests.conftest import free_port


def _query(place: Path, **options: object) -> dict[str, pa.Table]:
    return query.fetch(query.Options.model_validate(options), dt.date(2013, 1, 5), place)


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_the_query_source_reads_files(tmp_path: Path, form: str) -> None:
    import duckdb

    duckdb.execute(
        f"""COPY (SELECT TIMESTAMP '2013-01-04 12:00' + to_days(CAST(range AS INTEGER)) AS moment, range AS n
                  FROM range(3))
            TO '{tmp_path}/x.{form}'"""
    )
    sql = "SELECT moment, n FROM x WHERE moment >= $start AND moment < $end"
    found = _query(tmp_path, files={"x": f"*.{form}"}, tables={"t": sql})["t"]
    assert found.to_pylist() == [{"moment": dt.datetime(2013, 1, 5, 12), "n": 1}]


def test_the_query_source_reads_a_url(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("n\n1\n2\n")
    found = _query(tmp_path, files={"x": f"file://{tmp_path}/x.csv"}, tables={"t": "SELECT sum(n) AS n FROM x"})["t"]
    assert found.column("n").to_pylist() == [3]


def test_the_query_source_reads_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sales (day TEXT, amount REAL)"))
        connection.execute(sa.text("INSERT INTO sales VALUES ('2013-01-05 10:00:00', 2.5), ('2013-01-06 10:00:00', 9)"))
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", f"{tmp_path}/shop.db")
    sql = "SELECT * FROM sales WHERE day >= :start AND day < :end"
    assert _query(tmp_path, database="sqlite:///${RATCHET_SOURCE_SHOP}", tables={"t": sql})["t"].column(
        "amount"
    ).to_pylist() == [2.5]
    monkeypatch.delenv("RATCHET_SOURCE_SHOP")
    with pytest.raises(SourceError, match="RATCHET_SOURCE_SHOP, which is not set"):
        _query(tmp_path, database="sqlite:///${RATCHET_SOURCE_SHOP}", tables={"t": sql})


def test_what_the_query_source_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv") as caught:
        _query(tmp_path, files={"x": "none.csv"}, tables={"t": "SELECT 1"})
    assert caught.value.retriable
    (tmp_path / "x.csv").write_text("n\n1\n")
    with pytest.raises(ContractError, match="SQL fails"):
        _query(tmp_path, files={"x": "x.csv"}, tables={"t": "SELECT nothing FROM x"})
    with pytest.raises(MissingPackage, match="nodriver"):
        _query(tmp_path, database="sqlite+nodriver:///x", tables={"t": "SELECT 1"})


ATTEMPTS = [
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM glob('{secret}')",
    "SELECT * FROM read_text('file://{secret}')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM query('COPY x TO written')",
    "SELECT 1; COPY (SELECT 1) TO '{written}'",
    "COPY (SELECT 1) TO '{written}'",
    "COPY (SELECT 1) TO '{secret}'",
    "EXPORT DATABASE '{written}'",
    "ATTACH '{written}'",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "SELECT * FROM options",
    "SELECT * FROM duckdb_secrets()",
    "",
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_sql_reads_the_declared_files_and_nothing_else(tmp_path: Path, attempt: str) -> None:
    data, secret, written = tmp_path / "loop", tmp_path / "secret.csv", tmp_path / "written"
    data.mkdir()
    (data / "x.csv").write_text("n\n1\n")
    secret.write_text("password\nhunter2\n")
    with pytest.raises((ContractError, SourceError)) as caught:
        _query(data, files={"x": "x.csv"}, tables={"t": attempt.format(secret=secret, written=written)})
    assert "hunter2" not in str(caught.value)
    assert not written.exists()
    assert secret.read_text() == "password\nhunter2\n"
    assert _query(data, files={"x": "x.csv"}, tables={"t": "FROM x"})["t"].num_rows == 1


@pytest.mark.parametrize("name", ["airflow/passwords.json", "*/*.json", "/proc/self/environ"])
def test_the_state_of_an_installation_is_no_data(place: Path, name: str) -> None:
    var = Settings.current().var
    (var / "airflow").mkdir(parents=True, exist_ok=True)
    (var / "airflow" / "passwords.json").write_text('{"admin": "hunter2"}')
    (place / "link").symlink_to(var)
    for path in {str(var / name), f"file://{var / name}", "/proc/self/environ" if name[0] == "/" else f"link/{name}"}:
        with pytest.raises(ContractError, match="which is no data"):
            _query(place, files={"x": path}, tables={"t": "FROM x"})


@pytest.mark.parametrize(
    "attempt",
    [
        "ATTACH '{other}' AS other",
        "DELETE FROM sales",
        "DROP TABLE sales",
        "INSERT INTO sales VALUES ('2013-01-05', 1)",
        "PRAGMA writable_schema = 1",
        "VACUUM INTO '{other}.copy'",
        "SELECT * FROM pragma_database_list",
    ],
)
def test_a_database_is_read_and_nothing_else(tmp_path: Path, attempt: str) -> None:
    one, other = tmp_path / "shop.db", tmp_path / "other.db"
    for file in (one, other):
        with sa.create_engine(f"sqlite:///{file}").begin() as connection:
            connection.execute(sa.text("CREATE TABLE sales (day TEXT, amount REAL)"))
            connection.execute(sa.text("INSERT INTO sales VALUES ('2013-01-05', 1)"))
    with pytest.raises(SourceError, match="authoriz"):
        _query(tmp_path, database=f"sqlite:///{one}", tables={"t": attempt.format(other=other)})
    assert _query(tmp_path, database=f"sqlite:///{one}", tables={"t": "SELECT * FROM sales"})["t"].num_rows == 1
    assert not Path(f"{other}.copy").exists()


def test_a_password_may_hold_any_character_and_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", "p@ss:w/rd?#%41")
    text = f"postgresql+psycopg2://reader:${{RATCHET_SOURCE_SHOP}}@127.0.0.1:{free_port()}/shop"
    url = query._url(text, tmp_path)
    assert (url.password, url.host, url.database) == ("p@ss:w/rd?#%41", "127.0.0.1", "shop")
    with pytest.raises((SourceError, MissingPackage)) as caught:
        _query(tmp_path, database=text, tables={"t": "SELECT 1"})
    assert "w/rd" not in str(caught.value)
    with pytest.raises(ContractError, match="is not a database's URL"):
        _query(tmp_path, database="nonsense", tables={"t": "SELECT 1"})
