"""Build the five DAGs of a loop from its contract: ingest, train, score, monitor, replay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    BaseOperator,
    CronPartitionTimetable,
    Param,
    PartitionedAssetTimetable,
    PartitionedAtRuntime,
    chain,
)

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet_airflow import docs
from ratchet_airflow.links import PAGES
from ratchet_airflow.operators.ingest import FetchOperator, PublishOperator, ValidateOperator
from ratchet_airflow.operators.monitor import (
    DecideOperator,
    DriftOperator,
    DuelOperator,
    PerformanceOperator,
    RetrainOperator,
)
from ratchet_airflow.operators.replay import ReplayOperator
from ratchet_airflow.operators.score import ScoreOperator
from ratchet_airflow.operators.train import (
    ApproveOperator,
    EvaluateOperator,
    GateOperator,
    PromoteOperator,
    RefitOperator,
    SnapshotOperator,
    TrainOperator,
)

REGISTRY_POOL = "data_registry"  # one slot: the data registry has one writer at a time
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_DAYS = r"^\d{4}-\d{2}-\d{2}(\.\.\d{4}-\d{2}-\d{2})?$"


def dags_of(name: str) -> dict[str, DAG]:
    """Return the DAGs of a loop by name, for the globals of its DAG file. Raises ContractError, which Airflow shows."""
    loop = catalog.load(name)
    data = Asset(name=f"{name}.data", uri=f"ratchet://{name}/data", group="ratchet")
    predictions = Asset(name=f"{name}.predictions", uri=f"ratchet://{name}/predictions", group="ratchet")
    model = Asset(name=f"{name}.model", uri=f"ratchet://{name}/model", group="ratchet")
    built = (
        _ingest(loop, data),
        _train(loop, data, model),
        _score(loop, data, model, predictions),
        _monitor(loop, model, predictions),
        _replay(loop, data),
    )
    return {dag.dag_id.replace(".", "_"): dag for dag in built}


def _ingest(loop: Loop, data: Asset) -> DAG:
    cron = loop.schedule.ingest
    schedule = (
        CronPartitionTimetable(cron, timezone=loop.schedule.timezone, run_offset=-1, key_format="%Y-%m-%d")
        if cron
        else PartitionedAtRuntime()  # started by hand or by another DAG, with a partition
    )
    params = {
        "partitions": Param(
            None,
            type=["null", "string"],
            pattern=_DAYS,
            title="Days",
            description="A day (2013-01-31) or a closed range (2013-01-01..2013-01-31). Left empty, the run's own partition.",
        )
    }
    with _dag(loop, "ingest", schedule=schedule, params=params, max_active_runs=2) as dag:
        days = "{{ params.partitions or partition_key or '' }}"
        request: dict[str, Any] = {"loop": loop.name, "partitions": days, "delivery": "{{ run_id }}"}
        (
            FetchOperator(task_id="fetch", **request, **_where(loop, "fetch"))
            >> ValidateOperator(task_id="validate", **request, **_where(loop, "validate"))
            >> PublishOperator(task_id="publish", outlets=[data], **request, **_where(loop, "publish", REGISTRY_POOL))
        )
    return dag


def _train(loop: Loop, data: Asset, model: Asset) -> DAG:
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
            pattern=_DAY,
            title="Until",
            description="The latest partition that exists for this training (2013-01-31). Left empty, the latest published.",
        ),
    }
    with _dag(loop, "train", schedule=None, params=params, max_active_runs=1) as dag:
        key = {"loop": loop.name, "run": "{{ run_id }}"}
        trained = {**key, "mlflow_run": "{{ ti.xcom_pull(task_ids='train')['mlflow_run'] }}"}
        (
            SnapshotOperator(
                task_id="snapshot", until="{{ params.until or '' }}", inlets=[data], **key, **_where(loop, "snapshot")
            )
            >> TrainOperator(task_id="train", reason="{{ params.reason }}", **key, **_where(loop, "train"))
            >> EvaluateOperator(task_id="evaluate", **trained, **_where(loop, "evaluate"))
            >> (gate := GateOperator(task_id="gate", **trained, **_where(loop, "gate", REGISTRY_POOL)))
        )
        _promotion(loop, model, gate)
    return dag


def _promotion(loop: Loop, model: Asset, judge: BaseOperator, until: str = "") -> None:
    """Let what follows a verdict to promote follow: refit, approval, promotion. Each is skipped where there is none."""
    verdict = f"ti.xcom_pull(task_ids='{judge.task_id}')"
    won = {"loop": loop.name, "run": f"{{{{ {verdict}['run'] }}}}", "mlflow_run": f"{{{{ {verdict}['mlflow_run'] }}}}"}
    tasks: list[BaseOperator] = [judge]
    if loop.gate.deploy == "refit":
        tasks.append(RefitOperator(task_id="refit", until=until, **won, **_where(loop, "refit")))
    answer = ""
    if loop.gate.approval == "required":
        tasks.append(
            ApproveOperator(
                task_id="approve",
                verdict=f"{{{{ {verdict}['verdict'] }}}}",
                subject=f"Promote a challenger of {loop.name}?",
                body=f"{{{{ {verdict}['summary'] }}}}\n\n[The whole report]({PAGES}/decisions/{loop.name}/{{{{ {verdict}['report'] }}}})",
                response_timeout=timedelta(hours=loop.gate.approval_hours),
            )
        )
        answer = "{{ ti.xcom_pull(task_ids='approve') | tojson }}"
    promote = PromoteOperator(
        task_id="promote", approval=answer, outlets=[model], **won, **_where(loop, "promote", REGISTRY_POOL)
    )
    chain(*tasks, promote)


def _score(loop: Loop, data: Asset, model: Asset, predictions: Asset) -> DAG:
    with _dag(loop, "score", schedule=PartitionedAssetTimetable(assets=data), max_active_runs=4) as dag:
        ScoreOperator(
            task_id="score",
            loop=loop.name,
            partition="{{ partition_key }}",
            inlets=[model],
            outlets=[predictions],
            **_where(loop, "score"),
        )
    return dag


def _monitor(loop: Loop, model: Asset, predictions: Asset) -> DAG:
    with _dag(loop, "monitor", schedule=PartitionedAssetTimetable(assets=predictions), max_active_runs=4) as dag:
        night = {"loop": loop.name, "partition": "{{ partition_key }}"}
        decide = DecideOperator(
            task_id="decide",
            trigger_rule="none_failed_min_one_success",
            **night,
            **_where(loop, "decide", REGISTRY_POOL),
        )
        retrain = RetrainOperator(
            task_id="retrain",
            trigger_dag_id=f"{loop.name}.train",
            trigger_run_id="{{ ti.xcom_pull(task_ids='decide')['key'] }}",
            conf={"reason": "{{ ti.xcom_pull(task_ids='decide')['reason'] }}", "until": "{{ partition_key }}"},
            verdict="{{ ti.xcom_pull(task_ids='decide')['verdict'] }}",
            reason="{{ ti.xcom_pull(task_ids='decide')['reason'] }}",
        )
        drift = DriftOperator(task_id="drift", **night, **_where(loop, "drift"))
        performance = PerformanceOperator(task_id="performance", **night, **_where(loop, "performance"))
        duel = DuelOperator(task_id="duel", outlets=[model], **night, **_where(loop, "duel", REGISTRY_POOL))
        [drift, performance] >> decide >> retrain
        performance >> duel
        _promotion(loop, model, duel, until="{{ partition_key }}")
    return dag


def _replay(loop: Loop, data: Asset) -> DAG:
    day = {"type": ["null", "string"], "pattern": _DAY}
    params = {
        "first": Param(
            None, **day, title="From", description="The first night (2013-01-31). Left empty, the first champion's."
        ),
        "last": Param(None, **day, title="To", description="The last night. Left empty, the latest published."),
        "policies": Param(
            "never calendar:days=1,cooldown_days=0 calendar:days=7 calendar:days=30 drift degradation",
            type="string",
            title="Policies",
            description="Beside the contract's own: calendar, drift, degradation, cost_aware with their keys, joined by +, parted by spaces.",
        ),
        "gates": Param(
            None,
            type=["null", "string"],
            title="Gates",
            description="Keys of the gate that differ, as aim=superior,margin=0.",
        ),
        "cost": Param(
            None, type=["null", "number"], title="Cost", description="Of a retraining, in the loss's units times days."
        ),
    }
    with _dag(loop, "replay", schedule=None, params=params, max_active_runs=1) as dag:
        chosen = {name: f"{{{{ params.{name} if params.{name} is not none else '' }}}}" for name in params}
        ReplayOperator(task_id="replay", loop=loop.name, inlets=[data], **chosen, **_where(loop, "replay"))
    return dag


def _dag(loop: Loop, part: str, *, schedule: Any, **options: Any) -> DAG:
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


def _where(loop: Loop, step: str, pool: str = "default_pool") -> dict[str, Any]:
    """Return the pool of a task: the contract's, or the step's own."""
    chosen = loop.runtime_of(step).pool
    return {"pool": pool if chosen == "default_pool" else chosen}
