"""The DAG that keeps the house of all loops: `ratchet.upkeep`."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from ratchet import catalog
from ratchet_airflow.operators.upkeep import PruneOperator

_PAGE = """**Take away what need not be kept.** Every night, a task a loop: staged deliveries, snapshots, old features,
copies of models, old pages and MLflow runs, and data that the contract lets go of (`keep`). Decisions and what they
rest on stay, and whatever a registered model was made of.

A task that fails harms nothing but the disk: the next night does its work too. By hand: `ratchet prune LOOP --dry-run`.
Airflow's and MLflow's own databases are cleaned by the installation's keeper, which no task can reach.
"""


def upkeep() -> DAG:
    """Build the DAG: a task a loop, whose contract is read when it runs: a broken one stops its own task alone."""
    with DAG(
        dag_id="ratchet.upkeep",
        schedule="0 5 * * *",
        description="Take away what need not be kept",
        doc_md=_PAGE,
        tags=["ratchet"],
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,  # nothing else takes away what loops that run already leave
        default_args={"owner": "ratchet", "retries": 2, "retry_delay": timedelta(minutes=5)},
    ) as dag:
        for name in catalog.names():
            PruneOperator(task_id=f"prune_{name}", loop=name)
    return dag
