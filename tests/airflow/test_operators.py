"""Operators and runtimes: what a step says becomes what Airflow shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Asset, BaseHook, Connection
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
)

from ratchet import catalog
from ratchet_airflow import links, notes
from ratchet_airflow.operators import approve, base
from ratchet_airflow.operators.explain import ExplainOperator
from ratchet_airflow.operators.ingest import FetchOperator, PublishOperator, ValidateOperator
from ratchet_airflow.operators.monitor import DecideOperator, DriftOperator, DuelOperator, RetrainOperator
from ratchet_airflow.operators.night import CloseOperator, GiveUpOperator
from ratchet_airflow.operators.train import GateOperator, PromoteOperator, RefitOperator, TrainOperator
from ratchet_airflow.runtimes import local
from tests.airflow.test_added import written
from tests.conftest import ROOT


class _Run:
    dag_id, run_id, partition_key = "wind.ingest", "manual__1", "2013-01-02"
    triggering_user_name = "ada"


CONTEXT: Any = {"dag_run": _Run()}


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The notes that a task writes, without the server that would take them."""
    written: list[str] = []
    monkeypatch.setattr(notes, "add", lambda _context, _log, text: written.append(text))
    return written


def _day(operator: Any, **kwargs: Any) -> Any:
    return operator(task_id="task", loop="wind", partitions="2013-01-02", **kwargs)


def test_a_task_runs_its_step_in_a_process_of_its_own(place: Path, noted: list[str]) -> None:
    for operator in (FetchOperator, ValidateOperator, PublishOperator):
        task = _day(operator)
        result = task.execute(CONTEXT)
        assert result["outcome"] == "done"
        json.dumps(result)
    assert result["published"] == ["2013-01-02"]
    assert links.DatasetCommitLink().get_link(task, ti_key=None) == f"/ratchet/commits/{result['revision']}"
    assert noted == []
    (place / "corrected").mkdir()
    for each in (place / "loops" / "wind" / "data").iterdir():
        (place / "corrected" / each.name).write_text(
            each.read_text().replace("2013-01-02 05:00:00,JFK,", "2013-01-02 05:00:00,JFK,9")
        )
    (place / "loops" / "wind" / "data").unlink()
    (place / "corrected").rename(place / "loops" / "wind" / "data")
    for operator in (FetchOperator, ValidateOperator, PublishOperator):
        result = _day(operator, delivery="again").execute(CONTEXT)
    assert noted == [f"publish: {result['corrected'][0]}"]
    assert "corrects 2013-01-02: 0 rows came, 0 went, 1 differ" in noted[0]


def test_a_refusal_fails_at_once_and_is_noted(place: Path, noted: list[str]) -> None:
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    _day(FetchOperator).execute(CONTEXT)
    _day(ValidateOperator).execute(CONTEXT)
    task = _day(PublishOperator)
    with pytest.raises(AirflowFailException, match="dropped column humid"):
        task.execute(CONTEXT)
    assert "dropped column humid" in noted[0]
    assert links.DatasetCommitLink().get_link(task, ti_key=None).startswith("/ratchet/commits/")


def test_an_error_that_a_retry_may_help_is_one_that_airflow_retries(place: Path, noted: list[str]) -> None:
    (place / "loops" / "wind" / "data").unlink()
    with pytest.raises(AirflowException, match="SourceError") as caught:
        _day(FetchOperator).execute(CONTEXT)
    assert not isinstance(caught.value, AirflowFailException)


def test_an_error_that_a_retry_does_not_help_is_final(place: Path, noted: list[str]) -> None:
    with pytest.raises(AirflowFailException, match="Nothing is staged"):
        _day(ValidateOperator).execute(CONTEXT)
    assert "Nothing is staged" in noted[0]


def test_a_killed_step_is_retried(place: Path, noted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_run", lambda *_: -9)
    with pytest.raises(AirflowException, match="was killed by SIGKILL") as caught:
        _day(FetchOperator).execute(CONTEXT)
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("retriable", [True, False])
def test_a_question_that_cannot_be_put_is_put_again_where_that_may_help(
    place: Path, monkeypatch: pytest.MonkeyPatch, retriable: bool
) -> None:
    """With MLflow away for a moment the approval failed for good, and nobody was ever asked."""
    error = {"type": "TrackingUnavailable", "message": "away", "retriable": retriable}
    monkeypatch.setattr(approve, "step", lambda *_: {"error": error})
    with pytest.raises(AirflowException, match="TrackingUnavailable: away") as caught:
        approve.ApproveOperator(task_id="approve", loop="wind", run="first").execute(CONTEXT)
    assert isinstance(caught.value, AirflowFailException) != retriable


def test_who_has_asked_for_a_training_is_what_airflows_server_says(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(base, "step", lambda _name, _loop, request, _log: asked.append(request) or {"outcome": "done"})
    TrainOperator(task_id="train", loop="wind", run="first", reason="asked_by: eve").execute(CONTEXT)
    assert asked == [{"run": "first", "reason": "asked_by: eve", "asked_by": "ada"}]
    assert "asked_by" not in TrainOperator.template_fields


def test_a_question_that_was_answered_at_the_command_line_is_not_put_and_what_follows_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, noted: list[str]
) -> None:
    """It was skipped, and the promotion with it."""
    said = {"outcome": "unchanged", "reason": "answered before: approved by ada"}
    monkeypatch.setattr(approve, "step", lambda *_: said)
    approve.ApproveOperator(task_id="approve", loop="wind", run="first").execute(CONTEXT)
    assert noted == ["answered before: approved by ada"]


def test_where_nothing_is_to_be_approved_the_question_says_so_and_ends_well(
    place: Path, monkeypatch: pytest.MonkeyPatch, noted: list[str]
) -> None:
    monkeypatch.setattr(approve, "step", lambda *_: {"outcome": "skipped", "reason": "rejected: worse"})
    approve.ApproveOperator(task_id="approve", loop="wind", run="first").execute(CONTEXT)
    assert noted == ["rejected: worse"]


@pytest.mark.parametrize(("approvers", "may"), [(["ada", "bob"], ["bob"]), (["ada"], None)])
def test_who_has_asked_for_the_training_is_not_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch, noted: list[str], approvers: list[str], may: list[str] | None
) -> None:
    """Whoever has started the run that asks: a night's monitor, or somebody by hand."""
    question = {"outcome": "done", "subject": "s", "summary": "s", "report": "r", "asked_by": "ada"}
    monkeypatch.setattr(approve, "step", lambda *_: {**question, "approvers": approvers})
    monkeypatch.setattr(approve.ApprovalOperator, "execute", lambda *_: None)
    task = approve.ApproveOperator(task_id="approve", loop="wind", run="first")
    context: Any = {"dag_run": type("Run", (_Run,), {"triggering_user_name": "eve"})()}
    if may is None:
        with pytest.raises(AirflowFailException, match="Nobody is left to approve: ada has asked for the training"):
            task.execute(context)
    else:
        task.execute(context)
        assert [each["id"] for each in task.assigned_users] == may


def test_nothing_to_do_is_skipped(tracked: Path, noted: list[str]) -> None:
    from tests.conftest import ingest, rename

    name = rename(tracked, "wind", "wind_skipped")
    ingest(name, "2013-01-02")
    with pytest.raises(AirflowSkipException, match="no champion yet"):
        DriftOperator(task_id="drift", loop=name, partition="2013-01-02").execute(CONTEXT)


def test_the_airflow_workers_settings_are_kept_from_the_step(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "a secret")
    lines: list[str] = []

    class Log:
        def info(self, event: str, *args: Any) -> None:
            lines.append(event % args)

    code = "import os; print('secret' if any('FERNET' in n for n in os.environ) else 'none')"
    real = subprocess.run

    def run(command: list[str], **kwargs: Any) -> Any:
        return real([command[0], "-c", code], **kwargs)

    monkeypatch.setattr(subprocess, "run", run)
    local.run("fetch", catalog.load("wind"), {"partitions": "2013-01-02"}, Log())
    assert "none" in lines


@pytest.mark.parametrize("operator", [RefitOperator, PromoteOperator])
def test_a_decision_not_to_promote_ends_well_and_changes_no_asset(
    place: Path, noted: list[str], monkeypatch: pytest.MonkeyPatch, operator: Any
) -> None:
    """The tasks after a gate that rejected were ones that Airflow shows as skipped."""
    asked: list[str] = []
    said = {"outcome": "done", "reason": "v2 is the champion", "mlflow_run": "x"}
    monkeypatch.setattr(base, "step", lambda name, *_: asked.append(name) or said)

    def task(nothing: str = "") -> Any:
        outlets = [Asset("wind.model")]
        return operator(task_id="task", loop="wind", run="first", mlflow_run="x", outlets=outlets, nothing=nothing)

    idle = task("rejected: worse than v1")
    assert idle.execute(CONTEXT) == {"outcome": "skipped", "reason": "rejected: worse than v1"}
    assert (asked, idle.outlets, noted) == ([], [], [])
    busy = task()
    assert busy.execute(CONTEXT) == said
    assert (asked, len(busy.outlets)) == ([operator.step], 1)
    # What the step itself decides stands in the run's note: a person said no, or the refit is not what was judged.
    monkeypatch.setattr(base, "step", lambda *_: {"outcome": "skipped", "reason": "rejected by ada"})
    refused = task()
    assert refused.execute(CONTEXT)["reason"] == "rejected by ada"
    assert (noted, refused.outlets) == ([f"{operator.step}: rejected by ada"], [])


@pytest.mark.parametrize(
    ("verdict", "reason", "notes", "events"),
    [
        ("wait", "v1 is the anchor", [], 0),
        ("wait", "second: waits", ["duel: second: waits"], 0),
        ("promote", "won: better", ["duel: won: better"], 0),  # it is promoted by a later task
        ("rollback", "v1 is back", ["duel: v1 is back"], 1),
    ],
)
def test_what_a_nights_duel_decides_stands_in_its_note_and_only_a_rollback_changes_the_champion(
    place: Path, noted: list[str], monkeypatch: pytest.MonkeyPatch, verdict: str, reason: str, notes: Any, events: int
) -> None:
    waiting = ["second"] if "second" in reason else []
    told = {"outcome": "done", "verdict": verdict, "reason": reason, "waiting": waiting}
    monkeypatch.setattr(base, "step", lambda *_: told)
    task = DuelOperator(task_id="duel", loop="wind", partition="2013-01-02", outlets=[Asset("wind.model")])
    task.execute(CONTEXT)
    assert (noted, len(task.outlets)) == (notes, events)


def test_what_the_gate_decides_stands_in_the_note_of_the_training(
    place: Path, noted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "step", lambda *_: {"outcome": "done", "verdict": "reject", "reason": "rejected: worse"})
    GateOperator(task_id="gate", loop="wind", run="first", mlflow_run="x").execute(CONTEXT)
    assert noted == ["gate: rejected: worse"]


@pytest.mark.parametrize("verdict", ["wait", "veto"])
def test_a_decision_not_to_retrain_triggers_nothing_and_stands_in_the_note_of_the_night(
    noted: list[str], monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    """It was a task that Airflow shows as skipped, and its reason stood in a log."""
    triggered: list[Any] = []
    monkeypatch.setattr(TriggerDagRunOperator, "execute", lambda *_: triggered.append(1))
    task = RetrainOperator(task_id="retrain", trigger_dag_id="wind.train", verdict=verdict, reason="because")
    task.execute(CONTEXT)
    assert (noted, triggered) == (["no retraining: because"], [])
    RetrainOperator(task_id="retrain", trigger_dag_id="wind.train", verdict="retrain", reason="x").execute(CONTEXT)
    assert (noted[1:], triggered) == (["asked for a retraining: x"], [1])


@pytest.mark.parametrize(
    ("operator", "verdict", "note"),
    [
        (DecideOperator, "retrain", []),
        (DuelOperator, "rollback", ["duel: because"]),
        (DuelOperator, "wait", []),
    ],
)
def test_where_it_got_worse_stands_in_the_note(
    noted: list[str], monkeypatch: pytest.MonkeyPatch, operator: Any, verdict: str, note: list[str]
) -> None:
    result = {"outcome": "done", "reason": "because", "verdict": verdict, "partition": "2013-01-02"}
    worse = {} if verdict == "wait" else {"worse": "worst where origin=EWR", "explanation": True}
    monkeypatch.setattr(base, "step", lambda *_: {**result, **worse})
    monkeypatch.setattr(catalog, "load", lambda _: None)
    task = operator(task_id="task", loop="wind", partition="2013-01-02")
    task.execute(CONTEXT)
    assert noted == [*note, *(f"{operator.step}: {each}" for each in [worse.get("worse")] if each)]
    page = "/ratchet/reports/wind/2013-01-02/explanation.html" if worse else ""
    assert links.ExplanationLink().get_link(task, ti_key=None) == page


def test_where_nothing_was_decided_the_task_is_skipped(noted: list[str]) -> None:
    task = RetrainOperator(task_id="retrain", trigger_dag_id="wind.train", verdict="", reason="")
    with pytest.raises(AirflowSkipException, match="there is no champion"):
        task.execute(CONTEXT)
    assert noted == []


@pytest.mark.parametrize("alarm", ["", "drift of temp_now"])
def test_what_explains_a_night_follows_on_an_alarm_alone(monkeypatch: pytest.MonkeyPatch, alarm: str) -> None:
    """On a quiet night it is left out at the cost of no task."""
    pushed: dict[str, Any] = {}

    class _Task:
        map_index = -1

        def xcom_push(self, key: str, value: Any) -> None:
            pushed[key] = value

    result = {"outcome": "done", "reason": "lived", "training": "", "alarm": alarm}
    monkeypatch.setattr(base, "step", lambda *_: result)
    monkeypatch.setattr(base.catalog, "load", lambda _: None)
    with DAG("wind.monitor", schedule=None):
        close = CloseOperator(task_id="close", loop="wind", partition="2013-01-02")
        close >> [ExplainOperator(task_id="explain", loop="wind"), GiveUpOperator(task_id="give_up", loop="wind")]
    context: Any = {**CONTEXT, "ti": _Task()}
    if alarm:
        assert close.execute(context) == result
        assert pushed == {}
        return
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        close.execute(context)
    assert list(skipped.value.tasks) == ["explain"]
    assert pushed["return_value"] == result


def test_links() -> None:
    task = TrainOperator(task_id="train", loop="wind", run="x")
    assert links.MlflowRunLink().get_link(task, ti_key=None) == ""
    task.result = {"mlflow_run": "abc"}
    assert links.MlflowRunLink().get_link(task, ti_key=None).endswith("/#/runs/abc")
    task.result = {"error": {"message": "x"}}
    assert links.MlflowRunLink().get_link(task, ti_key=None) == ""
    task.result = {"statuses": {"2013-01-01": "accepted", "2013-01-02": "accepted"}, "docs": {"weather": "x"}}
    assert links.DataDocsLink().get_link(task, ti_key=None) == "/ratchet/data-docs/wind/weather/2013-01-02.html"
    task.result = {"report": "/state/reports/wind/replays/a-b.html"}
    assert links.ReplayReportLink().get_link(task, ti_key=None) == "/ratchet/replays/wind/a-b.html"
    task.result = {"days": 0, "partition": "2013-01-02"}
    assert links.DriftReportLink().get_link(task, ti_key=None) == ""
    task.result = {"days": 7, "partition": "2013-01-02"}
    assert links.DriftReportLink().get_link(task, ti_key=None) == "/ratchet/reports/wind/2013-01-02/drift.html"


def test_the_page_about_adding_an_operator_runs_as_it_stands(tmp_path: Path, loops_folder: tuple[Path, Path]) -> None:
    """Lay the project and the page's files side by side, and run the page's operator as Airflow would."""
    for name in ("include", "plugins", "dags", "great_expectations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in written(ROOT):
        assert not (tmp_path / name).exists()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = """
import sys, runpy
from ratchet import catalog, steps
loop = catalog.load("flight_delays")
for name in ("fetch", "validate", "publish"):
    step = steps.find(name)
    step.run(loop, step.request(partitions="2013-01-31"))
operator = runpy.run_path("dags/export_flights.py")["ExportOperator"]
task = operator(task_id="export", loop="flight_delays", partition="2013-01-31")
print("RESULT", task.execute({}))
"""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}/include:{tmp_path}/plugins",
        "RATCHET_HOME": str(tmp_path),
        "RATCHET_VAR": str(tmp_path / "var"),
    }
    environment.pop("RATCHET_FORK_SERVER", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "wrote 921 rows" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "var" / "exports" / "flight_delays" / "2013-01-31.csv").read_text().count("\n") == 922


def test_a_note_forges_no_line_and_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            written.append(json.loads(request.content))
        return httpx.Response(200, json={"access_token": "x", "note": ""})

    whole = httpx.Client
    monkeypatch.setattr(BaseHook, "get_connection", lambda _: Connection(conn_id="x", conn_type="http", host="x"))
    monkeypatch.setattr(httpx, "Client", lambda **given: whole(transport=httpx.MockTransport(answer), **given))
    notes.add(CONTEXT, None, "\x1b[31mred\x00\rforged\u202e")
    assert written == [{"note": "\\x1b[31mred\\x00 forged\\u202e"}]
