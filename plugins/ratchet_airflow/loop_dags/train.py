"""The DAG that makes a challenger and judges it: snapshot, train, evaluate, gate, and what follows a verdict."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, Param

from ratchet.contract.loop import Loop
from ratchet_airflow.loop_dags.common import DAY, REGISTRY_POOL, give_up, loop_dag, where
from ratchet_airflow.loop_dags.promotion import promotion
from ratchet_airflow.operators.train import (
    EvaluateOperator,
    GateOperator,
    SnapshotOperator,
    TrainOperator,
)


def train(loop: Loop, data: Asset, model: Asset) -> DAG:
    """Train a challenger, and promote it where it won."""
    params = {
        "reason": Param(
            "asked for in the UI",
            type="string",
            title="Reason",
            description="Why; it is kept with the model and in the ledger.",
        ),
        "until": Param(
            None,
            type=["null", "string"],
            pattern=DAY,
            title="Until",
            description="The latest partition that exists for this training (2013-01-31). "
            "Left empty, the latest published.",
        ),
    }
    with loop_dag(loop, "train", schedule=None, params=params, max_active_runs=1) as dag:
        key = {"loop": loop.name, "run": "{{ run_id }}"}
        trained = {**key, "mlflow_run": "{{ ti.xcom_pull(task_ids='train')['mlflow_run'] }}"}
        (
            SnapshotOperator(
                task_id="snapshot",
                until="{{ params.until or '' }}",
                reason="{{ params.reason }}",
                inlets=[data],
                **key,
                **where(loop, "snapshot"),
            )
            >> TrainOperator(task_id="train", reason="{{ params.reason }}", **key, **where(loop, "train"))
            >> EvaluateOperator(task_id="evaluate", **trained, **where(loop, "evaluate"))
            >> (gate := GateOperator(task_id="gate", **trained, **where(loop, "gate", REGISTRY_POOL)))
        )
        promotion(loop, model, gate)
        give_up(loop, dag, training="{{ run_id }}")
    return dag
