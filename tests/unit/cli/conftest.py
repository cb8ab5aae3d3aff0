"""The command, run in this process, and a fake of Airflow's REST API on a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.local.environment import Local
from ratchet import cli

Ratchet = Callable[..., tuple[int, str, str]]


class FakeAirflow(ThreadingHTTPServer):
    """Airflow's API, as far as the commands ask for it. dags: name -> paused."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dags: dict[str, bool] = {}
        self.later: dict[str, bool] = {}  # found by the DAG processor at the third look
        self.looks = 0
        self.errors: list[dict[str, str]] = []
        self.left: dict[str, list[str]] = {}  # DAG -> its runs that are queued or running
        self.ended: dict[str, str] = {}  # run -> the note that it was ended with
        self.password = ""


class _Handler(BaseHTTPRequestHandler):
    server: FakeAirflow

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.path == "/auth/token" and asked == {"username": "admin", "password": self.server.password}
        self._answer(*((201, {"access_token": "t"}) if known else (401, {})))

    def do_GET(self) -> None:
        if self.path == "/api/v2/monitor/health":
            self._answer(200, {"scheduler": {"status": "healthy"}, "triggerer": {"status": None}})
            return
        if self.path.startswith("/api/v2/importErrors"):
            self._answer(200, {"import_errors": self.server.errors})
            return
        path = self.path.partition("?")[0]
        if path == "/api/v2/dags":
            found = [{"dag_id": name} for name in self.server.dags]
            self._answer(200, {"dags": found, "total_entries": len(found)})
            return
        if path.endswith("/dagRuns"):
            runs = [{"dag_run_id": run} for run in self.server.left.get(path.split("/")[-2], [])]
            self._answer(200, {"dag_runs": runs, "total_entries": len(runs)})
            return
        self.server.looks += 1
        if self.server.looks == 3:
            self.server.dags.update(self.server.later)
        name = self.path.rsplit("/", 1)[1]
        if name not in self.server.dags:
            self._answer(404, {})
            return
        paused = self.server.dags[name]
        at = None if paused else "2026-11-26T06:00:00Z"
        self._answer(200, {"dag_id": name, "is_paused": paused, "is_stale": False, "next_dagrun_run_after": at})

    def do_PATCH(self) -> None:
        assert self.headers["Authorization"] == "Bearer t"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.partition("?")[0].rsplit("/", 1)[1]
        if "/dagRuns/" in self.path:
            assert body["state"] == "failed"
            self.server.ended[name] = body["note"]
        else:
            self.server.dags[name] = body["is_paused"]
        self._answer(200, {})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def airflow(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAirflow]:
    """A described installation whose Airflow is the fake."""
    with FakeAirflow() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("RATCHET_AIRFLOW_PORT", str(server.server_address[1]))
        local = Local.current()
        local.describe()
        server.password = local.password()
        yield server
        server.shutdown()


@pytest.fixture
def ratchet(capsys: pytest.CaptureFixture[str]) -> Ratchet:
    """Run `ratchet` with these words; return its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            cli.main(list(arguments))
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run
