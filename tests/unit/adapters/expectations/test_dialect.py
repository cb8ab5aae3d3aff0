"""DuckDB through SQLAlchemy: an answer outlives its connection."""

from __future__ import annotations

import duckdb
import sqlalchemy

from ratchet.adapters.expectations import dialect


def test_a_rollback_takes_the_place_of_what_a_connection_was_about_to_tell() -> None:
    """Great Expectations reads rows after it has given the connection back, which is rolled back then."""
    with duckdb.connect() as connection:
        connection.begin()
        connection.execute("SELECT 1 AS one")
        connection.execute("ROLLBACK")
        assert connection.fetchall() == []


def test_an_answer_is_read_after_its_connection_was_given_back() -> None:
    with duckdb.connect() as plain:
        with dialect.engine(plain).connect() as connection:
            answer = connection.execute(sqlalchemy.text("SELECT range AS n FROM range(3)"))
            connection.rollback()
            assert [row.n for row in answer] == [0, 1, 2]
            one = connection.execute(sqlalchemy.select(sqlalchemy.literal("it's").label("said")))
            assert one.fetchone() == ("it's",)
            assert one.fetchone() is None
        assert plain.execute("SELECT 1").fetchall() == [(1,)]


def test_columns_are_listed_by_name() -> None:
    with duckdb.connect() as plain:
        plain.execute("CREATE TEMP VIEW delivered AS SELECT 1 AS c0, 'x' AS c1")
        listed = sqlalchemy.inspect(dialect.engine(plain)).get_columns("delivered")
        assert [column["name"] for column in listed] == ["c0", "c1"]
