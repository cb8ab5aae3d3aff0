"""The query source: files, URLs, databases."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from fsspec.implementations.local import LocalFileSystem

from ratchet.contract.table import Table
from ratchet.data.sources import Asked, query
from ratchet.errors import ContractError, DataError, MissingPackage, RatchetError, SourceError
from ratchet.settings import Settings

TABLES = {
    "t": Table(key=("moment",), time="moment", suite="x", columns={"moment": "timestamp", "n": "int64", "x": "int64"})
}


def _query(place: Path, **options: object) -> dict[str, pa.Table]:
    return query.fetch(
        query.Options.model_validate(options), Asked(dt.date(2013, 1, 5), dt.date(2013, 1, 5), place, TABLES)
    )


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


def test_the_query_source_reads_a_database(tmp_path: Path) -> None:
    with sa.create_engine(f"sqlite:///{tmp_path}/shop.db").begin() as connection:
        connection.execute(sa.text("CREATE TABLE sales (day TEXT, amount REAL)"))
        connection.execute(sa.text("INSERT INTO sales VALUES ('2013-01-05 10:00:00', 2.5), ('2013-01-06 10:00:00', 9)"))
    sql = "SELECT * FROM sales WHERE day >= :start AND day < :end"
    found = _query(tmp_path, database="sqlite:///shop.db", tables={"t": sql})["t"]
    assert found.column("amount").to_pylist() == [2.5]


def test_what_the_query_source_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv") as caught:
        _query(tmp_path, files={"x": "none.csv"}, tables={"t": "SELECT 1"})
    assert caught.value.retriable
    (tmp_path / "x.csv").write_text("n\n1\n")
    with pytest.raises(ContractError, match="SQL fails"):
        _query(tmp_path, files={"x": "x.csv"}, tables={"t": "SELECT nothing FROM x"})
    with pytest.raises(SourceError, match="There is no file"):
        _query(tmp_path, files={"x": "no/*.csv"}, tables={"t": "FROM x"})
    for path in ("a\0b", f"file://{tmp_path}/a\0b", "a" * 5000):
        with pytest.raises(SourceError, match=r"There is no file|cannot be listed"):
            _query(tmp_path, files={"x": path}, tables={"t": "FROM x"})


@pytest.mark.parametrize(
    "scheme", ["asyncwrapper", "dbfs", "dir", "generic", "git", "memory", "reference", "tar", "zip"]
)
def test_only_what_is_a_store_of_files_is_read_by_url(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(ContractError, match=f"{scheme}:// is not read. Give a path, or a URL of .*, s3, sftp"):
        _query(tmp_path, files={"x": f"{scheme}://x/y.csv"}, tables={"t": "FROM x"})


def test_a_scheme_whose_package_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingPackage, match=r"s3://x/y\.csv: .* add it to requirements.txt"):
        _query(tmp_path, files={"x": "s3://x/y.csv"}, tables={"t": "FROM x"})


class Failing(LocalFileSystem):
    """A file system whose own package fails."""

    protocol = "s3"

    def glob(self, path: str, **_: object) -> list[str]:
        if "listing" in path:
            raise RuntimeError("no credentials\nat all")
        return ["s3:///x.csv"]

    def unstrip_protocol(self, name: str) -> str:
        return name

    def info(self, path: str, **_: object) -> dict[str, object]:
        raise RuntimeError("no credentials")


def test_what_a_file_system_raises_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsspec.filesystem", lambda _: Failing())
    with pytest.raises(
        SourceError, match=r"s3://listing cannot be listed: RuntimeError: no credentials.at all\. Check"
    ):
        _query(tmp_path, files={"x": "s3://listing"}, tables={"t": "FROM x"})
    with pytest.raises(RatchetError, match="query source"):
        _query(tmp_path, files={"x": "s3://reading"}, tables={"t": "FROM x"})


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
    "WITH w AS (COPY (SELECT 666 AS n) TO '{given}') SELECT * FROM x",
    "WITH w AS (COPY (SELECT 666 AS n) TO '{given}' (USE_TMP_FILE false)) SELECT * FROM x",
    "WITH w AS MATERIALIZED (/**/ COPY x TO '{given}' (USE_TMP_FILE false)) SELECT * FROM w",
    "SELECT (WITH w AS (COPY x TO '{given}' (USE_TMP_FILE false)) SELECT 1)",
    "SELECT * FROM query('WITH w AS (COPY (SELECT 666 AS n) TO ''{given}'' (USE_TMP_FILE false)) FROM x')",
    'SELECT * FROM "JSON_execute_serialized_sql"(json_serialize_sql('
    "'WITH w AS (COPY (SELECT 666 AS n) TO ''{given}'' (USE_TMP_FILE false)) SELECT 1'))",
    "WITH w AS (COPY x TO '.tmp/written' (USE_TMP_FILE false)) SELECT 1",
    "SELECT * FROM glob('.tmp/*')",
    "WITH w AS (INSERT INTO x VALUES (2) RETURNING *) SELECT * FROM w",
    "WITH w AS (UPDATE x SET n = 2 RETURNING *) SELECT * FROM w",
    "WITH w AS (DELETE FROM x RETURNING *) SELECT * FROM w",
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
    paths = {"given": data / "x.csv", "secret": secret, "written": written}
    with pytest.raises((ContractError, SourceError)) as caught:
        _query(data, files={"x": "x.csv"}, tables={"t": attempt.format(**paths)})
    assert "hunter2" not in str(caught.value)
    assert not written.exists()
    assert (data / "x.csv").read_text() == "n\n1\n"
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


def test_a_bad_file_spoils_the_days_of_which_it_has_rows(tmp_path: Path) -> None:
    """A text for a number in one file of a folder stopped the nights of all others."""
    for day, amount in ((4, "7"), (5, "8"), (6, "N/A")):
        (tmp_path / f"sales-{day}.csv").write_text(f"moment,n\n2013-01-0{day} 10:00:00,{amount}\n")
    sql = "SELECT moment, n FROM x WHERE moment >= $start AND moment < $end"
    options = query.Options.model_validate({"files": {"x": "sales-*.csv"}, "tables": {"t": sql}})

    def asked(day: int) -> Asked:
        return Asked(dt.date(2013, 1, day), dt.date(2013, 1, day), tmp_path, TABLES)

    fifth = asked(5)
    assert query.fetch(options, fifth)["t"].column("n").to_pylist() == [8]
    assert [note.partition(": ")[2] for note in fifth.notes] == ["1 rows of other days hold in 'n' what is no int64"]
    with pytest.raises(DataError, match=r"sales-6\.csv: 1 rows of the days that are asked for hold in 'n' a text"):
        query.fetch(options, asked(6))
    (tmp_path / "sales-6.csv").write_text("moment,n\nyesterday,3\n")
    with pytest.raises(DataError, match=r"hold in 'moment' a text that is no timestamp"):
        query.fetch(options, asked(5))


def test_a_file_without_the_time_is_of_each_day(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("n\n1\nx\n")
    with pytest.raises(DataError, match=r"prices\.csv: 1 rows .* hold in 'n'"):
        _query(tmp_path, files={"x": "prices.csv"}, tables={"t": "SELECT * FROM x"})
