"""The DAG that predicts the rows of a published day."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable

from ratchet.contract.loop import Loop
from ratchet_airflow.loop_dags.common import MANY, give_up, loop_dag, where
from ratchet_airflow.operators.score import ScoreOperator


def score(loop: Loop, data: Asset, model: Asset, predictions: Asset) -> DAG:
    """Score each published day."""
    with loop_dag(loop, "score", schedule=PartitionedAssetTimetable(assets=data), max_active_runs=MANY) as dag:
        ScoreOperator(
            task_id="score",
            loop=loop.name,
            partition="{{ partition_key }}",
            inlets=[model],
            outlets=[predictions],
            **where(loop, "score"),
        )
        give_up(loop, dag, partitions="{{ partition_key }}")
    return dag
