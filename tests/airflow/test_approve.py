"""The question about a challenger: outside the run that asks it, and once a challenger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DagRunTriggerException
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from ratchet_airflow import loop_dags
from ratchet_airflow.operators.approve import AskOperator


@pytest.fixture
def dags(place: Path) -> dict[str, Any]:
    """The DAGs of a loop whose challengers a person approves."""
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(path.read_text().replace("gate:\n", "gate:\n  approval: [ada]\n"))
    return {dag.dag_id: dag for dag in loop_dags.dags_of("wind").values()}


def test_a_person_is_asked_in_a_dag_of_its_own_and_no_run_waits_for_the_answer(dags: dict[str, Any]) -> None:
    """Four open questions stopped the monitor."""
    for name in ("wind.train", "wind.monitor"):
        assert "ask" in dags[name].task_ids
        assert not {"approve", "promote"} & {*dags[name].task_ids}
        assert not dags[name].get_task("ask").wait_for_completion
    assert dags["wind.approve"].task_ids == ["approve", "promote"]


def test_a_challenger_is_asked_about_once(dags: dict[str, Any]) -> None:
    """One was asked about anew each night."""
    for name, judge in (("wind.train", "gate"), ("wind.monitor", "duel")):
        ask = dags[name].get_task("ask")
        run = f"{{{{ ti.xcom_pull(task_ids='{judge}')['run'] }}}}"
        assert (ask.trigger_dag_id, ask.trigger_run_id, ask.conf) == ("wind.approve", run, {"run": run})
    task = AskOperator(task_id="ask", loop="wind", run="2013-02-01")
    with pytest.raises(DagRunTriggerException) as asked:
        task.execute({})
    assert (asked.value.trigger_dag_id, asked.value.dag_run_id) == ("wind.approve", "2013-02-01")
    assert asked.value.skip_when_already_exists
    assert not asked.value.reset_dag_run


def test_nobody_is_asked_about_a_challenger_that_has_not_won(monkeypatch: pytest.MonkeyPatch) -> None:
    """That was decided, and is no task that was left out: it was one that Airflow shows as skipped."""
    asked: list[Any] = []
    monkeypatch.setattr(TriggerDagRunOperator, "execute", lambda *_: asked.append(1))
    AskOperator(task_id="ask", loop="wind", nothing="waits: about 3 more days", run="2013-02-01").execute({})
    assert asked == []
    AskOperator(task_id="ask", loop="wind", nothing="", run="2013-02-01").execute({})
    assert asked == [1]
