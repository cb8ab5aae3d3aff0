"""A real PostgreSQL: each value comes as it is stored, bounds fit columns of any type, and nothing is written."""

from __future__ import annotations

import datetime as dt
import math
import struct
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.data import databases
from ratchet.data import postgres as session
from ratchet.errors import SourceError
from tests.given.drivers import recording
from tests.given.postgres import Postgres

BOUNDS = {"start": dt.datetime(2013, 1, 5), "end": dt.datetime(2013, 1, 6)}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LONG = st.integers(-(2**63), 2**63 - 1)
DAY = [(1, "2013-01-04 23:59:59"), (2, "2013-01-05 00:00:00"), (3, "2013-01-05 23:59:59"), (4, "2013-01-06 00:00:00")]
SHOP = "${RATCHET_SOURCE_SHOP}"


def _read(folder: Path, database: str, text: str) -> list[dict[str, Any]]:
    table: pa.Table = databases.read(database, {"t": text}, BOUNDS, folder)["t"]
    return list(table.to_pylist())


def _exact(value: Any) -> Any:
    """Tell floats apart by their bits: NaN, and -0.0 from 0."""
    return struct.pack("d", value) if isinstance(value, float) else value


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            LONG | st.none(),
            st.floats(allow_nan=False) | st.just(math.nan) | st.none(),  # the driver sends one NaN, whatever its bits
            st.decimals(-(10**30), 10**30, places=6) | st.none(),
            st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC)) | st.none(),
            st.datetimes() | st.none(),
            st.dates() | st.none(),
            st.booleans() | st.none(),
            TEXT | st.none(),
            st.binary(max_size=20) | st.none(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_postgresql_holds_comes_back_bit_for_bit(
    postgres: Postgres, tmp_path: Path, rows: list[tuple[Any, ...]]
) -> None:
    names = "abcdefghi"
    types = ("int8", "float8", "numeric", "timestamptz", "timestamp", "date", "bool", "text", "bytea")
    with psycopg.connect(postgres.text) as connection:
        connection.execute("DROP TABLE IF EXISTS exact")
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
        connection.execute(f"CREATE TABLE exact (n serial, {columns})")
        marks = ", ".join(["%s"] * len(names))
        connection.cursor().executemany(f"INSERT INTO exact ({', '.join(names)}) VALUES ({marks})", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "_PART", 3)
        patch.setenv("RATCHET_SOURCE_SHOP", postgres.text)
        text = f"SELECT {', '.join(names)} FROM exact ORDER BY n"
        table = databases.read(SHOP, {"t": text}, BOUNDS, tmp_path)["t"]
    for held, column in zip(zip(*rows, strict=True), table.columns, strict=True):
        assert list(map(_exact, column.to_pylist())) == list(map(_exact, held))


def test_each_type_of_postgresql_comes_as_it_is(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role's own settings change nothing: its zone, its digits, how it writes dates, bytes and intervals."""
    postgres.run(
        "ALTER ROLE postgres SET timezone = 'America/New_York'",
        "ALTER ROLE postgres SET extra_float_digits = 0",
        "ALTER ROLE postgres SET datestyle = 'German'",
        "ALTER ROLE postgres SET bytea_output = 'escape'",
        "ALTER ROLE postgres SET intervalstyle = 'sql_standard'",
    )
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", postgres.text)
    text = r"""SELECT 9007199254740993::int8 AS long, NULL::int8 AS none, 0.1::float8 + 0.2::float8 AS sum,
        '{"a": 0.12345678901234567890, "b": 9007199254740993}'::jsonb AS doc, 'null'::json AS nothing,
        ARRAY[1, NULL, 9007199254740993] AS longs, ARRAY[1.50, 0.12345678901234567890] AS numbers, ARRAY['ü'] AS words,
        '\x00ff'::bytea AS bytes, 'infinity'::timestamptz AS ever, '-infinity'::date AS never, 'NaN'::numeric AS no,
        '1 month'::interval AS month, '2013-01-05 01:00+02'::timestamptz AS at, '2013-01-05'::date AS day,
        '00000000-0000-0000-0000-000000000001'::uuid AS id, true AS yes, '10:00+02'::timetz AS hour, 1 AS "a.b" """
    try:
        found = _read(tmp_path, SHOP, text)
    finally:
        postgres.run("ALTER ROLE postgres RESET ALL")
    assert found == [
        {
            "long": 9007199254740993,
            "none": None,
            "sum": 0.30000000000000004,
            "doc": '{"a": 0.12345678901234567890, "b": 9007199254740993}',
            "nothing": "null",
            "longs": "[1, null, 9007199254740993]",
            "numbers": "[1.50, 0.12345678901234567890]",
            "words": '["ü"]',
            "bytes": b"\x00\xff",
            "ever": "infinity",
            "never": "-infinity",
            "no": "NaN",
            "month": "P1M",
            "at": dt.datetime(2013, 1, 4, 23, tzinfo=dt.UTC),
            "day": dt.date(2013, 1, 5),
            "id": "00000000-0000-0000-0000-000000000001",
            "yes": True,
            "hour": "10:00:00+02:00",
            "a.b": 1,
        }
    ]


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz", "text", "moments as text", "iso text"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_bounds_fit_a_column_of_postgresql_of_any_type(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, zone: str
) -> None:
    written = {"text": lambda at: at[:10], "date": lambda at: at[:10], "iso text": lambda at: at.replace(" ", "T")}
    column = kind if kind in ("date", "timestamp", "timestamptz") else "text"
    values = ", ".join(
        f"({n}, '{written.get(kind, str)(at)}'{'::timestamp' * (column[:9] == 'timestamp')})" for n, at in DAY
    )
    zoned = " AT TIME ZONE 'UTC'" if kind == "timestamptz" else ""
    postgres.run(
        f"ALTER ROLE postgres SET timezone = '{zone}'",
        "DROP TABLE IF EXISTS bounded",
        f"CREATE TABLE bounded AS SELECT n, CAST(at{zoned} AS {column}) AS at FROM (VALUES {values}) AS v (n, at)",
    )
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", postgres.text)
    text = "SELECT n FROM bounded WHERE at >= :start AND at < :end ORDER BY n"
    cast = "SELECT n FROM bounded WHERE at >= CAST(CAST(:start AS timestamp) - interval '1 hour' AS {}) ORDER BY n"
    try:
        found = _read(tmp_path, SHOP, text)
        earlier = _read(tmp_path, SHOP, cast.format(column))
    finally:
        postgres.run("ALTER ROLE postgres RESET ALL")
    assert found == [{"n": 2}, {"n": 3}]
    assert {"n": 3} in earlier


def test_postgresql_reads_through_a_cursor_in_a_transaction_that_only_reads(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor is declared for one SELECT alone: PostgreSQL refuses all else that is sent."""
    postgres.run("DROP TABLE IF EXISTS sales", "CREATE TABLE sales (n INTEGER)", "CREATE SEQUENCE IF NOT EXISTS s")
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", postgres.text)
    monkeypatch.setattr(databases.statements, "reading", lambda text, *_: text)
    for attempt, words in {
        "INSERT INTO sales VALUES (1)": "syntax error",
        "WITH w AS (INSERT INTO sales VALUES (1) RETURNING n) SELECT * FROM w": "data-modifying statements",
        "SELECT 1; INSERT INTO sales VALUES (1)": "cannot insert multiple commands",
        "SELECT nextval('s') AS n": "read-only transaction",
    }.items():
        with pytest.raises(SourceError, match=words):
            _read(tmp_path, SHOP, attempt)
    assert _read(tmp_path, SHOP, "SELECT count(*) AS n FROM sales") == [{"n": 0}]


def test_tables_are_read_one_after_the_other_in_parts(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", postgres.text)
    monkeypatch.setattr(databases, "_PART", 1_000)
    texts = {
        "a": "SELECT generate_series(1, 2500) AS n, '100%' AS share WHERE 'x%' LIKE 'x%'",
        "b": "SELECT 1 AS n",
        "c": "SELECT 1 AS n, CAST(:start AS text) AS day WHERE false",
    }
    for _ in range(3):
        found = databases.read(SHOP, texts, BOUNDS, tmp_path)
    assert found["a"].column("n").to_pylist() == list(range(1, 2501))
    assert set(found["a"].column("share").to_pylist()) == {"100%"}
    assert found["b"].to_pylist() == [{"n": 1}]
    assert (found["c"].num_rows, found["c"].column_names) == (0, ["n", "day"])


def test_a_password_that_is_wrong_is_not_told(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_PASSWORD", "hunter2")
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        _read(
            tmp_path,
            "postgresql://postgres:${RATCHET_SOURCE_PASSWORD}@127.0.0.1:" + f"{postgres.port}/shop",
            "SELECT 1",
        )
    assert "hunter2" not in str(caught.value)


def test_another_driver_keeps_its_own_types() -> None:
    ran: list[str] = []

    session.prepare(recording(ran))
    assert ran[0] == "SET TIME ZONE 'UTC'"
    assert ran[-1] == "committed"
