"""The question about a challenger: outside the run that asks it, and once a challenger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DagRunTriggerException
from airflow.sdk.exceptions import AirflowSkipException

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
    task = AskOperator(task_id="ask", loop="wind", verdict="promote", run="2013-02-01")
    with pytest.raises(DagRunTriggerException) as asked:
        task.execute({})
    assert (asked.value.trigger_dag_id, asked.value.dag_run_id) == ("wind.approve", "2013-02-01")
    assert asked.value.skip_when_already_exists
    assert not asked.value.reset_dag_run


@pytest.mark.parametrize("verdict", ["wait", "reject", ""])
def test_nobody_is_asked_about_a_challenger_that_has_not_won(verdict: str) -> None:
    task = AskOperator(task_id="ask", loop="wind", verdict=verdict, run="2013-02-01")
    with pytest.raises(AirflowSkipException, match="there is nothing to approve"):
        task.execute({})
