"""Write a reason into the note of a DAG run, where a person sees it in the grid.

A task has no access to Airflow's database, so the note goes through the REST API, by the connection
`ratchet_airflow_api` (http, with login and password). Without that connection the reason stands in the task's log
alone. A note never fails a task.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseHook, Context

from ratchet.text import lines

CONNECTION = "ratchet_airflow_api"
LONGEST = 1000


def add(context: Context, log: Any, text: str) -> None:
    """Set the note of the context's DAG run, or add a line to it."""
    import httpx

    text = lines(text)

    try:
        connection = BaseHook.get_connection(CONNECTION)
    except Exception:  # noqa: BLE001 (which one depends on the secrets backend that was asked)
        log.info("No connection %s: the reason stands in this log only", CONNECTION)
        return
    base = f"{connection.schema or 'http'}://{connection.host}:{connection.port or 8080}"
    run = context["dag_run"]
    path = f"/api/v2/dags/{quote(run.dag_id, safe='')}/dagRuns/{quote(run.run_id, safe='')}"
    try:
        with httpx.Client(base_url=base, timeout=10) as client:
            login = {"username": connection.login, "password": connection.password}
            token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            held = client.get(path).raise_for_status().json().get("note") or ""
            if text not in held:
                note = f"{held}\n{text}".strip()[:LONGEST]
                client.patch(path, params={"update_mask": "note"}, json={"note": note}).raise_for_status()
    except httpx.HTTPError as error:
        log.warning("The run's note could not be written: %s", error)
