"""The DAG that watches a scored day: drift, performance, the duels, and whether to retrain."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable

from ratchet.contract.loop import Loop
from ratchet_airflow.loop_dags.common import REGISTRY_POOL, give_up, loop_dag, where
from ratchet_airflow.loop_dags.promotion import promotion
from ratchet_airflow.operators.explain import ExplainOperator
from ratchet_airflow.operators.monitor import (
    DecideOperator,
    DriftOperator,
    DuelOperator,
    PerformanceOperator,
    RetrainOperator,
)
from ratchet_airflow.operators.night import CloseOperator


def monitor(loop: Loop, model: Asset, predictions: Asset) -> DAG:
    """Watch each scored day."""
    with loop_dag(loop, "monitor", schedule=PartitionedAssetTimetable(assets=predictions), max_active_runs=4) as dag:
        night = {"loop": loop.name, "partition": "{{ partition_key }}"}
        decide = DecideOperator(
            task_id="decide",
            trigger_rule="none_failed_min_one_success",
            **night,
            **where(loop, "decide", REGISTRY_POOL),
        )
        retrain = RetrainOperator(
            task_id="retrain",
            trigger_dag_id=f"{loop.name}.train",
            trigger_run_id="{{ ti.xcom_pull(task_ids='decide')['key'] }}",
            conf={"reason": "{{ ti.xcom_pull(task_ids='decide')['reason'] }}", "until": "{{ partition_key }}"},
            verdict="{{ ti.xcom_pull(task_ids='decide')['verdict'] }}",
            reason="{{ ti.xcom_pull(task_ids='decide')['reason'] }}",
            trigger_rule="none_failed",
        )
        drift = DriftOperator(task_id="drift", **night, **where(loop, "drift"))
        performance = PerformanceOperator(task_id="performance", **night, **where(loop, "performance"))
        duel = DuelOperator(task_id="duel", outlets=[model], **night, **where(loop, "duel", REGISTRY_POOL))
        [drift, performance] >> decide >> duel
        performance >> duel
        settled = promotion(loop, model, duel, until="{{ partition_key }}")
        close = CloseOperator(
            task_id="close", trigger_rule="none_failed", **night, **where(loop, "close", REGISTRY_POOL)
        )
        # What the night asks for is trained when its duels are settled: it meets the champion that they leave.
        settled >> retrain >> close
        close >> ExplainOperator(task_id="explain", **night, **where(loop, "explain"))  # the next night has begun
        give_up(loop, dag, partitions="{{ partition_key }}")
    return dag
