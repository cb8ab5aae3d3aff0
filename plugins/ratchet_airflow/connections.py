"""What a loop's source is given of Airflow's: the connections and variables that its contract names, and no other."""

from __future__ import annotations

import os

import sqlalchemy as sa
from airflow.sdk import BaseHook, Connection, Variable

from ratchet.contract.loop import Loop
from ratchet.data import secrets
from ratchet_airflow.runtimes import Log

_DIALECTS = {"postgres": "postgresql"}  # where Airflow's word for a kind of database is another than SQLAlchemy's


def given(loop: Loop, log: Log) -> dict[str, str]:
    """Return the variables of the loop's source that the environment does not set, as Airflow holds them.

    `${RATCHET_SOURCE_X}` is the URL of the connection `ratchet_source_x`, else the value of the variable
    `ratchet_source_x`. What Airflow does not hold either is left out: the source says so.
    """
    found = {}
    for name in secrets.named(loop.source.options):
        if name in os.environ:
            continue
        if (value := _held(name.lower())) is None:
            log.info("Airflow holds neither a connection nor a variable %s", name.lower())
        else:
            found[name] = value
    return found


def url(connection: Connection) -> str:
    """Return a connection as a URL: its parts are quoted, and what else is plain in its extra is the query."""
    kind = (connection.conn_type or "").replace("_", "-")
    path = {"host": connection.host, "database": connection.schema}
    if kind == "sqlite":  # whose host is the file
        path = {"host": None, "database": connection.host or connection.schema}
    extra = {key: str(value) for key, value in connection.extra_dejson.items() if isinstance(value, str | int | float)}
    return sa.URL.create(
        _DIALECTS.get(kind, kind),
        username=connection.login,
        password=connection.password,
        port=connection.port,
        query=extra,
        **path,
    ).render_as_string(hide_password=False)


def _held(name: str) -> str | None:
    try:
        return url(BaseHook.get_connection(name))
    except Exception:  # noqa: BLE001 (which one depends on the secrets backend that was asked)
        found = Variable.get(name, default=None)
        return None if found is None else str(found)
