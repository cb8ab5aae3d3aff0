"""Build the DAGs of a loop from its contract. One file a DAG."""

from __future__ import annotations

from airflow.sdk import DAG, Asset

from ratchet import catalog
from ratchet_airflow.loop_dags import approve, ingest, monitor, replay, score, train


def dags_of(name: str) -> dict[str, DAG]:
    """Return the DAGs of a loop by name, for the globals of its DAG file. Raises ContractError, which Airflow shows."""
    loop = catalog.load(name)
    data = Asset(name=f"{name}.data", uri=f"ratchet://{name}/data", group="ratchet")
    predictions = Asset(name=f"{name}.predictions", uri=f"ratchet://{name}/predictions", group="ratchet")
    model = Asset(name=f"{name}.model", uri=f"ratchet://{name}/model", group="ratchet")
    built = (
        ingest.ingest(loop, data),
        train.train(loop, data, model),
        score.score(loop, data, model, predictions),
        monitor.monitor(loop, model, predictions),
        replay.replay(loop, data),
        *([approve.approve(loop, model)] if loop.gate.approval else []),
    )
    return {dag.dag_id.replace(".", "_"): dag for dag in built}
