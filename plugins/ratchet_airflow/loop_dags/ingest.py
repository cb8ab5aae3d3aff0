"""The DAG that brings a day in: fetch, validate, publish."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, Param, PartitionedAtRuntime, chain

from ratchet.contract.loop import Loop
from ratchet_airflow.loop_dags.common import DAYS, MANY, REGISTRY_POOL, give_up, loop_dag, where
from ratchet_airflow.operators.ingest import FetchOperator, PublishOperator, ValidateOperator
from ratchet_airflow.operators.night import TurnOperator
from ratchet_airflow.timetable import NightTimetable


def ingest(loop: Loop, data: Asset) -> DAG:
    """Fetch, validate and publish, by the contract's cron or by hand."""
    cron = loop.schedule.ingest
    schedule = (
        NightTimetable(cron, timezone=loop.schedule.timezone)
        if cron
        else PartitionedAtRuntime()  # started by hand or by another DAG, with a partition
    )
    params = {
        "partitions": Param(
            None,
            type=["null", "string"],
            pattern=DAYS,
            title="Days",
            description="A day (2013-01-31) or a closed range (2013-01-01..2013-01-31). "
            "Left empty, the run's own partition.",
        )
    }
    with loop_dag(loop, "ingest", schedule=schedule, params=params, max_active_runs=MANY) as dag:
        days = "{{ params.partitions or partition_key or '' }}"
        request: dict[str, Any] = {"loop": loop.name, "partitions": days, "delivery": "{{ run_id }}"}
        chain(
            TurnOperator(
                task_id="turn",
                loop=loop.name,
                partitions=days,
                run="{{ run_id }}",
                **where(loop, "turn", REGISTRY_POOL),
            ),
            FetchOperator(task_id="fetch", trigger_rule="none_failed", **request, **where(loop, "fetch")),
            ValidateOperator(task_id="validate", **request, **where(loop, "validate")),
            PublishOperator(task_id="publish", outlets=[data], **request, **where(loop, "publish", REGISTRY_POOL)),
        )
        give_up(loop, dag, partitions=days)
    return dag
