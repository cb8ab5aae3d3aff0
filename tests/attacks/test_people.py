"""Who has a login does what it allows, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.local import client
from ratchet import catalog
from ratchet.lifecycle import ledger
from tests.attacks.conftest import LOOP, Log, waits
from tests.end_to_end.conftest import states, wait_for

APPROVE = f"/api/v2/dags/{LOOP}.approve/dagRuns/asked/taskInstances/approve"
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/api/v2/dags/{LOOP}.train/dagRuns", {"logical_date": None, "dag_run_id": "victor"}),
        ("PATCH", f"{APPROVE}", {"new_state": "success"}),
        ("PATCH", f"{APPROVE}/-1/hitlDetails", ANSWER),
        ("POST", f"{APPROVE}/xcomEntries", {"key": "return_value", "value": {"answer": "Approve", "by": "the CEO"}}),
        ("PATCH", f"/api/v2/dags/{LOOP}.train/dagRuns/asked", {"note": "approved by the CEO"}),
        ("POST", f"/api/v2/dags/{LOOP}.train/clearTaskInstances", {"dry_run": False, "dag_run_id": "asked"}),
        ("PATCH", f"/api/v2/dags/{LOOP}.train", {"is_paused": True}),
        ("DELETE", f"/api/v2/dags/{LOOP}.train/dagRuns/asked", None),
        ("POST", "/api/v2/variables", {"key": "x", "value": "y"}),
        ("POST", "/api/v2/connections", {"connection_id": "x", "conn_type": "http"}),
    ],
)
def test_a_viewer_changes_nothing(log_in: Log, method: str, path: str, body: Any) -> None:
    assert log_in("victor").request(method, path, json=body).status_code == 403


@pytest.mark.parametrize("path", ["/api/v2/connections", "/api/v2/variables", "/api/v2/config"])
@pytest.mark.parametrize("user", ["victor", "eve", "ada", "notes"])
def test_nobody_but_an_admin_reads_what_is_secret(log_in: Log, user: str, path: str) -> None:
    found = log_in(user).get(path)
    assert found.status_code in (403, 404) or not found.json().get("total_entries", 0)


@pytest.mark.parametrize("user", ["eve", "victor", "notes", "admin"])
def test_whom_the_contract_does_not_name_or_who_has_asked_does_not_answer(log_in: Log, user: str) -> None:
    """`admin` stands in gate.approval, and has asked for the training."""
    answer = log_in(user).patch(f"{APPROVE}/-1/hitlDetails", json=ANSWER)
    assert answer.status_code == 403


def test_who_has_no_right_on_a_loops_dags_sees_nothing_of_it(log_in: Log, airflow: client.Airflow) -> None:
    eve, admin = log_in("eve"), log_in("admin")
    assert LOOP in admin.get("/ratchet/").text
    found = eve.get("/ratchet/")
    assert found.status_code == 200
    assert ">wind<" in found.text
    assert LOOP not in found.text
    revision = airflow.xcom(f"{LOOP}.ingest", "history", "publish")["revision"]
    report = airflow.xcom(f"{LOOP}.train", "asked", "gate")["report"]
    pages = (
        f"/ratchet/data-docs/{LOOP}/weather/2013-01-05.html",
        f"/ratchet/decisions/{LOOP}/{report}",
        f"/ratchet/commits/{revision}",
        f"/ratchet/commits/{revision[:12]}",
    )
    for page in pages:
        assert admin.get(page).status_code == 200, page
        assert eve.get(page).status_code == 404, page
        assert LOOP not in eve.get(page).text
    other = airflow.xcom("wind.ingest", "history", "publish")["revision"]
    assert eve.get(f"/ratchet/commits/{other}").status_code == 200


def test_an_xcom_and_a_task_set_to_success_promote_nothing(log_in: Log, airflow: client.Airflow) -> None:
    """A role that may only trigger wrote `{answer: Approve, by: the CEO}`, and the ledger said so."""
    run = "forged"
    airflow.trigger(f"{LOOP}.approve", run, conf={"run": "asked"})
    task = f"/api/v2/dags/{LOOP}.approve/dagRuns/{run}/taskInstances"
    wait_for(lambda: {"approve": "awaiting_input"}.items() <= _tasks(airflow, run).items())
    forger = log_in("ada")
    said = {"answer": "Approve", "by": "the CEO"}
    forger.post(f"{task}/approve/xcomEntries", json={"key": "return_value", "value": said})
    forger.patch(f"{task}/approve", json={"new_state": "success"}).raise_for_status()
    wait_for(lambda: states(airflow, f"{LOOP}.approve").get(run) in ("failed", "success"))
    assert _tasks(airflow, run)["promote"] == "failed"
    assert "nobody has answered" in airflow.log(f"{LOOP}.approve", run, "promote", 1)


def _tasks(airflow: client.Airflow, run: str) -> dict[str, str]:
    return {each["task_id"]: each["state"] for each in airflow.tasks(f"{LOOP}.approve", run)}


def test_the_verdict_in_mlflow_promotes_nothing(local: Any, airflow: client.Airflow) -> None:
    """One unauthenticated call promoted what fairness forbade."""
    import mlflow

    made = airflow.xcom(f"{LOOP}.train", "asked", "train")["mlflow_run"]
    tracking = mlflow.MlflowClient(local.mlflow_url, local.mlflow_url)
    for name, value in {"verdict": "promote", "approval": "Approve", "approved_by": "the CEO"}.items():
        tracking.set_tag(made, f"ratchet.{name}", value)
    found = airflow.trigger(f"{LOOP}.approve", "tagged", conf={"run": "asked"})
    assert found
    wait_for(lambda: _tasks(airflow, "tagged").get("approve") == "awaiting_input")
    assert waits(airflow)


@pytest.mark.parametrize("key", ["other", "nothing", "../../x", "--help", "asked.refit"])
def test_another_loops_run_and_a_run_that_is_none_are_not_promoted(airflow: client.Airflow, key: str) -> None:
    """`promote --loop B --mlflow-run <a run of A>` made a binary model champion of a regression."""
    from ratchet import steps
    from ratchet.errors import RatchetError

    made = airflow.xcom("wind.train", "other", "train")["mlflow_run"]
    for values in ({"run": key}, {"run": key, "mlflow_run": made}, {"run": "asked", "mlflow_run": made}):
        for name in ("evaluate", "gate", "refit", "promote"):
            if name in ("evaluate", "gate") and "mlflow_run" not in values:
                continue
            with pytest.raises(RatchetError):
                steps.find(name).run(catalog.load(LOOP), steps.ask(name, values))
    assert [each.kind for each in ledger.read(catalog.load(LOOP))] == ["won", "approval_asked"]
