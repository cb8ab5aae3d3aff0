"""No value becomes a command, a path, or another value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.local import client
from deploy.local.environment import Local
from tests.attacks.conftest import LOOP
from tests.end_to_end.conftest import states, wait_for


@pytest.mark.parametrize(
    ("number", "conf"),
    [
        (1, {"partitions": "2013-01-05", "delivery": "../../x"}),
        (2, {"partitions": "20130105"}),
        (3, {"partitions": "2013-W01-6"}),
        (4, {"partitions": "0001-01-01..9999-12-31"}),
        (5, {"partitions": "2999-01-01"}),
        (6, {"partitions": "--help"}),
        (7, {"partitions": "2013-01-05\n--result=/tmp/x"}),
        (8, {"partitions": ["2013-01-05"]}),
        (9, {"partitions": {"a": "b"}}),
        (10, {"partitions": "{{ conn.ratchet_airflow_api.password }}"}),
    ],
)
def test_days_have_one_spelling(airflow: client.Airflow, local: Local, number: int, conf: Any) -> None:
    before = _published(local)
    try:
        airflow.trigger(f"{LOOP}.ingest", f"bad-{number}", conf=conf)
    except Exception as error:
        assert "400" in str(error) or "Invalid" in str(error) or "does not match" in str(error)  # noqa: PT017
        return
    wait_for(lambda: states(airflow, f"{LOOP}.ingest").get(f"bad-{number}") in ("failed", "success"))
    if number != 1:  # whose delivery is the run's id, whatever its conf says
        assert states(airflow, f"{LOOP}.ingest")[f"bad-{number}"] == "failed"
    assert _published(local) == before


def test_a_reason_is_text_wherever_it_goes(airflow: client.Airflow, local: Local, tmp_path: Path) -> None:
    """`--result=/some/file` in a run's conf overwrote that file."""
    victim = tmp_path / "victim"
    victim.write_text("whole")
    reason = f"--result={victim}"
    airflow.trigger("wind.train", "hostile", conf={"reason": reason, "until": "2013-01-12"})
    wait_for(lambda: states(airflow, "wind.train").get("hostile") in ("failed", "success"))
    assert states(airflow, "wind.train")["hostile"] == "success"
    assert victim.read_text() == "whole"
    made = airflow.xcom("wind.train", "hostile", "train")["mlflow_run"]
    import mlflow

    run = mlflow.MlflowClient(local.mlflow_url, local.mlflow_url).get_run(made)
    assert run.data.tags["ratchet.reason"] == reason


def _published(local: Local) -> list[str]:
    from ratchet.lifecycle import dataset

    return dataset.registry().partitions(LOOP, "weather", "HEAD")
