"""The DAG that asks a person whether a challenger may be promoted, and promotes it: one run a challenger."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, Param

from ratchet.contract.loop import Loop
from ratchet.contract.runtime import KEY
from ratchet_airflow.loop_dags.common import REGISTRY_POOL, loop_dag, where
from ratchet_airflow.operators.approve import ApproveOperator
from ratchet_airflow.operators.train import PromoteOperator


def approve(loop: Loop, model: Asset) -> DAG:
    """Ask, and carry the answer out."""
    params = {
        "run": Param(
            None,
            type=["null", "string"],
            pattern=KEY,
            title="Training",
            description="The run of the train DAG whose challenger has won. It is asked about as the ledger has it.",
        )
    }
    with loop_dag(loop, "approve", schedule=None, params=params, max_active_runs=16) as dag:
        run = "{{ params.run or '' }}"
        (
            ApproveOperator(
                task_id="approve",
                loop=loop.name,
                run=run,
                response_timeout=timedelta(hours=loop.gate.approval_hours),
            )
            >> PromoteOperator(
                task_id="promote",
                loop=loop.name,
                run=run,
                mlflow_run="",
                outlets=[model],
                **where(loop, "promote", REGISTRY_POOL),
            )
        )
    return dag
