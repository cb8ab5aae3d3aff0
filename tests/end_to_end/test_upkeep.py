"""At last the databases are cleaned and the loops pruned, and a night is lived as any other."""

from __future__ import annotations

import pytest
from rich.console import Console

from deploy.local import client, keeper
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog
from ratchet.lifecycle import dataset, ledger, verification
from ratchet.partitions import shift
from tests.end_to_end.conftest import wait_for

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_no_decision_depends_on_a_row_that_the_keeper_deletes(
    local: Local, airflow: client.Airflow, console: Console
) -> None:
    """Every row of Airflow's that can go is gone, and every deleted run of MLflow's; the story goes on."""
    loop = catalog.load("wind")
    before = ledger.read(loop)
    # Older than half a minute: what a living process writes anew every five seconds is not.
    done = keeper.clean(local, rows_days=30 / keeper.DAY, gone_days=0)
    assert not [said for said in done.values() if said.startswith("failed")], done
    night = shift(dataset.registry().partitions("wind", "weather", "HEAD")[-1], 1)
    tell(Story("wind", "2013-01-02..2013-01-14", f"{night}..{night}"), airflow, console)
    assert dataset.registry().partitions("wind", "weather", "HEAD")[-1] == night
    assert ledger.read(loop)[: len(before)] == before
    assert verification.verify(dataset.registry(), "wind").entries >= len(before)


def test_the_upkeep_prunes_every_loop(local: Local, airflow: client.Airflow) -> None:
    airflow.unpause("ratchet.upkeep")
    airflow.trigger("ratchet.upkeep", "tonight")
    wait_for(lambda: airflow.run("ratchet.upkeep", "tonight")["state"] in ("success", "failed"))
    states = {task["task_id"]: task["state"] for task in airflow.tasks("ratchet.upkeep", "tonight")}
    assert states == {f"prune_{name}": "success" for name in catalog.names()}
