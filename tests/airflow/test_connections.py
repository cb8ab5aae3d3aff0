"""The connections and variables of Airflow that a contract may name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.sdk import Connection

from ratchet import catalog
from ratchet_airflow import connections
from ratchet_airflow.operators.ingest import FetchOperator
from tests.airflow.test_operators import CONTEXT

QUOTED = Connection(
    conn_id="x", conn_type="postgres", host="db", schema="shop", login="reader", password="p@ss:w/rd?#%41", port=5432
)


class Log:
    """What a task writes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, *args: Any) -> None:
        self.lines.append(event % args)


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (QUOTED, ("postgresql", "reader", "p@ss:w/rd?#%41", "db", 5432, "shop", {})),
        (Connection(conn_id="x", conn_type="sqlite", host="/a b/shop.db"), ("sqlite", *[None] * 4, "/a b/shop.db", {})),
        (
            Connection(
                conn_id="x", conn_type="mysql", host="db", schema="s", extra='{"ssl_mode": "on", "a": {"b": 1}}'
            ),
            ("mysql", None, None, "db", None, "s", {"ssl_mode": "on"}),
        ),
    ],
)
def test_a_connection_is_a_url_whose_parts_are_quoted(connection: Connection, expected: tuple[Any, ...]) -> None:
    url = sa.make_url(connections.url(connection))
    found = (url.get_backend_name(), url.username, url.password, url.host, url.port, url.database, dict(url.query))
    assert found == expected


def _sold(place: Path, database: str) -> Path:
    """Let the loop read its table from a database that the contract names."""
    file = place / "shop.db"
    with sa.create_engine(f"sqlite:///{file}").begin() as connection:
        connection.execute(sa.text("CREATE TABLE weather (observed_at TEXT, origin TEXT, temp REAL)"))
        connection.execute(sa.text("INSERT INTO weather VALUES ('2013-01-02 10:00:00', 'EWR', 39.02)"))
    path = place / "loops" / "wind" / "loop.yaml"
    text, _, after = path.read_text().partition("source:\n")
    rest = after[after.index("\ntables:") :]
    query = "SELECT * FROM weather WHERE observed_at >= :start AND observed_at < :end"
    options = {"database": database, "tables": {"weather": query}}
    path.write_text(f"{text}source: {json.dumps({'kind': 'query', 'options': options})}\n{rest}")
    return file


@pytest.mark.parametrize("kind", ["connection", "variable"])
def test_a_source_is_given_what_its_contract_names_of_airflows_and_nothing_else(
    place: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    file = _sold(place, "${RATCHET_SOURCE_SHOP}")
    of_connection = json.dumps({"conn_type": "sqlite", "host": str(file)})
    if kind == "connection":
        monkeypatch.setenv("AIRFLOW_CONN_RATCHET_SOURCE_SHOP", of_connection)
    else:
        monkeypatch.setenv("AIRFLOW_VAR_RATCHET_SOURCE_SHOP", f"sqlite:///{file}")
    monkeypatch.setenv("AIRFLOW_CONN_RATCHET_SOURCE_OTHER", of_connection)
    given = connections.given(catalog.load("wind"), Log())
    assert given == {"RATCHET_SOURCE_SHOP": f"sqlite:///{file}"}
    result = FetchOperator(task_id="task", loop="wind", partitions="2013-01-02").execute(CONTEXT)
    assert result["rows"] == {"2013-01-02": 1}


def test_what_the_environment_sets_and_what_airflow_does_not_hold(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _sold(place, "sqlite:///${RATCHET_SOURCE_SHOP}${RATCHET_SOURCE_NONE}")
    monkeypatch.setenv("RATCHET_SOURCE_SHOP", "set")
    monkeypatch.setenv("AIRFLOW_VAR_RATCHET_SOURCE_SHOP", "another")
    log = Log()
    assert connections.given(catalog.load("wind"), log) == {}
    assert log.lines == ["Airflow holds neither a connection nor a variable ratchet_source_none"]
