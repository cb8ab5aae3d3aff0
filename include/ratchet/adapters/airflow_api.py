"""Airflow's REST API, as starting a loop and telling its story need it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ratchet.errors import ServiceError

_PAGE = 100  # as many as Airflow gives at once


class Airflow:
    """A logged-in client."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **params: Any) -> Any:
        """Ask for something. Raises ServiceError where Airflow refuses."""
        return self._ask("GET", path, params=params)

    def trigger(
        self,
        dag_id: str,
        run_id: str,
        *,
        partition: str | None = None,
        conf: dict[str, Any] | None = None,
        note: str = "",
    ) -> bool:
        """Start a run; say whether it is new: one of the same name is left as it is."""
        body = {
            "dag_run_id": run_id,
            "logical_date": None,
            "partition_key": partition,
            "conf": conf or {},
            "note": note,
        }
        answer = self._send("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        if answer.status_code == 409:
            return False
        _check(answer)
        return True

    def unpause(self, dag_id: str) -> None:
        """Let the runs of a DAG start."""
        self._set_paused(dag_id, False)

    def pause(self, dag_id: str) -> None:
        """Let no further run of a DAG start."""
        self._set_paused(dag_id, True)

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Return one DAG; None where Airflow does not know it, or knows it no more."""
        answer = self._send("GET", f"/api/v2/dags/{dag_id}")
        if answer.status_code == 404:
            return None
        _check(answer)
        found = dict(answer.json())
        return None if found.get("is_stale") else found

    def dags(self, stale: bool = False) -> dict[str, Any]:
        """Return the DAGs by name. stale: those too whose file is gone, and which may still have runs."""
        asked = {"order_by": "dag_id", **({"exclude_stale": False} if stale else {})}
        return {dag["dag_id"]: dag for dag in self._all("/api/v2/dags", "dags", **asked)}

    def import_errors(self) -> list[str]:
        """Return what is wrong with DAG files."""
        found = self._all("/api/v2/importErrors", "import_errors", order_by="id")
        return [f"{each['filename']}:\n{each['stack_trace']}" for each in found]

    def runs(self, dag_id: str, *, partition: str) -> list[dict[str, Any]]:
        """Return a DAG's runs for a partition, oldest first."""
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        return self._all(path, "dag_runs", partition_key_pattern=partition, order_by="id")

    def unfinished(self, dag_id: str) -> list[str]:
        """Return the names of a DAG's runs that wait or are under way, oldest first."""
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        found = self._all(path, "dag_runs", state=["queued", "running"], order_by="id")
        return [str(run["dag_run_id"]) for run in found]

    def end(self, dag_id: str, run_id: str, note: str) -> None:
        """End a run as failed, with the reason as its note; its tasks that are under way are ended too."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        self._ask("PATCH", path, json={"state": "failed", "note": note})

    def clear_failed(self, dag_id: str, run_id: str) -> None:
        """Let the failed tasks of a run, and what follows them, run again."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "only_failed": True,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        self._ask("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=body)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return dict(self.get(f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"))

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run, in the order in which they started."""
        found = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances")["task_instances"]
        return sorted(found, key=lambda t: (t["start_date"] is None, t["start_date"] or ""))

    def xcom(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task returned, or None."""
        path = (
            f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/xcomEntries/return_value"
        )
        answer = self._request("GET", path, params={"deserialize": "true"})
        return answer.json()["value"] if answer.status_code == 200 else None

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """Return the end of a task's log."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/logs/{attempt}"
        answer = self._request("GET", path, headers={"Accept": "application/x-ndjson"})
        return answer.text[-3000:]

    def _set_paused(self, dag_id: str, paused: bool) -> None:
        self._ask("PATCH", f"/api/v2/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": paused})

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._send(method, path, **options)
        _check(answer)
        return answer.json()

    def _all(self, path: str, what: str, **params: Any) -> list[dict[str, Any]]:
        """Return all of a list, page by page: Airflow gives a hundred at once."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(found), **params)
            found += page[what]
            if not page[what] or len(found) >= page.get("total_entries", 0):
                return found

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send, and send again where Airflow's database was busy.

        Whatever is asked here changes nothing the second time.
        """
        for pause in (0.5, 1.0, 2.0, 4.0):
            answer = self._request(method, path, **options)
            if answer.status_code != 500 or "Database error" not in answer.text:
                return answer
            time.sleep(pause)
        return self._request(method, path, **options)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise _silent(str(self._client.base_url), error) from error


@contextmanager
def connect(url: str, user: str, passwords: Path) -> Iterator[Airflow]:
    """Log in to the Airflow at `url`. passwords: the file with its users' passwords.

    Raises ServiceError where it does not answer, or does not let us in.
    """
    with httpx.Client(base_url=url, timeout=60, trust_env=False, transport=httpx.HTTPTransport(retries=3)) as client:
        login = {"username": user, "password": _password(user, passwords)}
        try:
            answer = client.post("/auth/token", json=login)
        except httpx.TransportError as error:
            raise _silent(url, error) from error
        if answer.status_code == 401:
            raise ServiceError(
                f"Airflow at {url} does not know the password in {passwords}: it is another installation's. "
                "Stop that one, or choose another port (RATCHET_AIRFLOW_PORT=… make up)"
            )
        _check(answer)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield Airflow(client)


def _password(user: str, file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))[user])
    except (OSError, ValueError, KeyError) as error:
        raise ServiceError(f"There is no password of {user} in {file}. Make one: make down, then make up") from error


def _silent(url: str, error: Exception) -> ServiceError:
    return ServiceError(f"Airflow at {url.rstrip('/')} does not answer ({error}). Start it: make up")


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise ServiceError(f"Airflow refuses {asked}: {answer.status_code} {answer.text[:500]}")
