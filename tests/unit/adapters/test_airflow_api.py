"""Airflow's REST API: what is asked of a server that answers, refuses, or is busy for a moment."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from ratchet.adapters import airflow_api
from ratchet.adapters.airflow_api import Airflow
from ratchet.errors import ServiceError


def _airflow(*answers: httpx.Response) -> tuple[Airflow, list[httpx.Request]]:
    asked: list[httpx.Request] = []
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return waiting.pop(0)

    return Airflow(httpx.Client(base_url="http://127.0.0.1:9", transport=httpx.MockTransport(answer))), asked


def test_a_run_is_started_once() -> None:
    airflow, asked = _airflow(httpx.Response(200, json={}), httpx.Response(409, json={}))
    assert airflow.trigger("wind.ingest", "night", partition="2013-01-02") is True
    assert airflow.trigger("wind.ingest", "night", partition="2013-01-02") is False
    assert json.loads(asked[0].content)["partition_key"] == "2013-01-02"


def test_a_busy_database_is_asked_again_and_a_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api.time, "sleep", lambda _seconds: None)
    busy = httpx.Response(500, text="Database error: locked")
    airflow, asked = _airflow(busy, httpx.Response(200, json={"dags": [{"dag_id": "wind.ingest"}], "total_entries": 1}))
    assert list(airflow.dags()) == ["wind.ingest"]
    assert len(asked) == 2
    airflow, _ = _airflow(httpx.Response(403, text="no"))
    with pytest.raises(ServiceError, match="Airflow refuses GET /api/v2/x: 403 no"):
        airflow.get("/api/v2/x")


def test_more_dags_than_a_page_holds_are_found() -> None:
    """`make run` found the first hundred."""
    names = [f"loop_{number:03}.ingest" for number in range(230)]
    pages = [names[at : at + 100] for at in range(0, 230, 100)]
    answers = [
        httpx.Response(200, json={"dags": [{"dag_id": name} for name in page], "total_entries": 230}) for page in pages
    ]
    airflow, asked = _airflow(*answers)
    assert list(airflow.dags()) == names
    assert [request.url.params["offset"] for request in asked] == ["0", "100", "200"]


def test_no_airflow_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "passwords.json").write_text(json.dumps({"admin": "x"}))
    with (
        pytest.raises(ServiceError, match="make up"),
        airflow_api.connect("http://127.0.0.1:9", "admin", tmp_path / "passwords.json"),
    ):
        pass


def test_runs_that_are_left_are_found_and_ended_with_a_note() -> None:
    found = {"dag_runs": [{"dag_run_id": "night__2013-01-02"}], "total_entries": 1}
    airflow, asked = _airflow(httpx.Response(200, json=found), httpx.Response(200, json={}))
    assert airflow.unfinished("wind.ingest") == ["night__2013-01-02"]
    assert asked[0].url.params.get_list("state") == ["queued", "running"]
    airflow.end("wind.ingest", "a run/1", "the loop was removed")
    assert asked[1].url.raw_path == b"/api/v2/dags/wind.ingest/dagRuns/a%20run%2F1"
    assert json.loads(asked[1].content) == {"state": "failed", "note": "the loop was removed"}


def test_dags_whose_file_is_gone_are_found_where_they_are_asked_for() -> None:
    answers = [httpx.Response(200, json={"dags": [{"dag_id": "wind.ingest"}], "total_entries": 1}) for _ in range(2)]
    airflow, asked = _airflow(*answers)
    assert [*airflow.dags()] == [*airflow.dags(stale=True)] == ["wind.ingest"]
    assert [request.url.params.get("exclude_stale") for request in asked] == [None, "false"]
