"""The query source: files, URLs, databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from ratchet.data.sources import query
from ratchet.errors import MissingPackage, SourceError


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
    monkeypatch.setenv("SHOP", f"{tmp_path}/shop.db")
    sql = "SELECT * FROM sales WHERE day >= :start AND day < :end"
    assert _query(tmp_path, database="sqlite:///${SHOP}", tables={"t": sql})["t"].column("amount").to_pylist() == [2.5]
    monkeypatch.delenv("SHOP")
    with pytest.raises(SourceError, match="SHOP, which is not set"):
        _query(tmp_path, database="sqlite:///${SHOP}", tables={"t": sql})


def test_what_the_query_source_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.csv") as caught:
        _query(tmp_path, files={"x": "none.csv"}, tables={"t": "SELECT 1"})
    assert caught.value.retriable
    (tmp_path / "x.csv").write_text("n\n1\n")
    with pytest.raises(SourceError, match="SQL fails"):
        _query(tmp_path, files={"x": "x.csv"}, tables={"t": "SELECT nothing FROM x"})
    with pytest.raises(MissingPackage, match="nodriver"):
        _query(tmp_path, database="sqlite+nodriver:///x", tables={"t": "SELECT 1"})
