"""Who has no login reads nothing, and changes nothing."""

from __future__ import annotations

import httpx
import pytest

from deploy.local.environment import Local
from tests.attacks.conftest import LOOP

PAGES = [
    "/ratchet/",
    "/ratchet/openapi.json",
    "/ratchet/docs",
    "/ratchet/commits/HEAD",
    "/ratchet/commits/0123456789",
    f"/ratchet/data-docs/{LOOP}/weather/2013-01-05.html",
    f"/ratchet/reports/{LOOP}/2013-01-12/drift.html",
    f"/ratchet/decisions/{LOOP}/x/y.html",
    f"/ratchet/decisions/{LOOP}/{'1' * 32}/importance.html",
    f"/ratchet/replays/{LOOP}/x.html",
    "/api/v2/dags",
    "/api/v2/connections",
    "/api/v2/variables",
    "/api/v2/config",
    f"/api/v2/dags/{LOOP}.train/dagRuns/asked",
    f"/api/v2/dags/{LOOP}.train/dagRuns/asked/taskInstances/train/logs/1",
    "/api/v2/dags/~/dagRuns/~/hitlDetails",
]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_read_without_a_login(nobody: httpx.Client, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Cookie": "_token=x"}, {"X-Forwarded-User": "admin"}):
        assert nobody.get(path, headers=headers).status_code in (401, 403, 404)
    assert "wind" not in nobody.get(path).text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/api/v2/dags/{LOOP}.train/dagRuns", {"logical_date": None, "dag_run_id": "stranger"}),
        ("PATCH", f"/api/v2/dags/{LOOP}.approve/dagRuns/asked/taskInstances/approve", {"new_state": "success"}),
        (
            "PATCH",
            f"/api/v2/dags/{LOOP}.approve/dagRuns/asked/taskInstances/approve/-1/hitlDetails",
            {"chosen_options": ["Approve"], "params_input": {}},
        ),
        ("POST", "/api/v2/variables", {"key": "x", "value": "y"}),
        ("POST", "/execution/task-instances/00000000-0000-0000-0000-000000000000/run", {}),
    ],
)
def test_nothing_is_changed_without_a_login(nobody: httpx.Client, method: str, path: str, body: object) -> None:
    assert nobody.request(method, path, json=body).status_code in (401, 403, 404, 405, 422)


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fairflow%2fpasswords.json",
        "%2e%2e/%2e%2e/airflow/passwords.json",
        "....//....//airflow/passwords.json",
        "..%252f..%252fairflow%252fpasswords.json",
        "..%c0%af..%c0%afairflow/passwords.json",
        "..%5c..%5cairflow%5cpasswords.json",
        "%00/etc/passwd",
        "wind/..;/..;/airflow/passwords.json",
        "wind%0d%0aSet-Cookie:%20a=b",
        "x" * 5000,
    ],
)
def test_no_spelling_leads_out_of_the_reports(log_in: object, local: Local, path: str) -> None:
    """With the best login there is: the way out is closed to everybody."""
    client = log_in("admin")  # type: ignore[operator]
    password = local.password("admin")
    for page in ("reports", "decisions", "replays", "data-docs", "commits"):
        for address in (
            f"/ratchet/{page}/{path}",
            f"/ratchet/{page}/{LOOP}/{path}.html",
            f"/ratchet/{page}/{path}/a.html",
        ):
            found = client.get(address)
            assert found.status_code in (400, 404, 405, 414), address
            assert password not in found.text
            assert "Set-Cookie" not in found.headers
