"""What the DAGs of a loop share: their defaults, and where a task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from ratchet.contract.loop import Loop
from ratchet_airflow import docs
from ratchet_airflow.operators.explain import ExplainOperator
from ratchet_airflow.operators.night import GiveUpOperator

REGISTRY_POOL = "data_registry"  # one slot: the data registry has one writer at a time
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"  # \d would be the digits of every script
DAY = f"^{_DAY}$"
MANY = 10_000  # runs at once of a DAG whose runs wait without a worker
DAYS = rf"^{_DAY}(\.\.{_DAY})?$"


def loop_dag(loop: Loop, part: str, *, schedule: Any, **options: Any) -> DAG:
    """Make a DAG of a loop, with the defaults of all of them."""
    return DAG(
        dag_id=f"{loop.name}.{part}",
        schedule=schedule,
        description=docs.SUMMARIES[part],
        doc_md=docs.page(loop, part),
        tags=["ratchet", loop.name],
        catchup=False,
        default_args={
            "owner": loop.owner,
            "retries": 4,
            "retry_delay": timedelta(seconds=15),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=10),
        },
        **options,
    )


def where(loop: Loop, step: str, pool: str = "default_pool") -> dict[str, Any]:
    """Return the pool of a task: the contract's, or the step's own."""
    chosen = loop.runtime_of(step).pool
    return {"pool": pool if chosen == "default_pool" else chosen}


def give_up(loop: Loop, dag: DAG, **what: str) -> None:
    """Let a failure of any task of a DAG give its night up, but of those that nobody waits for."""
    tasks = [task for task in dag.tasks if not isinstance(task, ExplainOperator)]
    given_up = GiveUpOperator(task_id="give_up", loop=loop.name, **what, **where(loop, "give_up", REGISTRY_POOL))
    for task in tasks:
        task >> given_up
