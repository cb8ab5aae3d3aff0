"""The DAG that tries retraining policies on the past."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, Param

from ratchet import extensions
from ratchet.contract.loop import Loop
from ratchet.replay import spec
from ratchet_airflow.loop_dags.common import DAY, loop_dag, where
from ratchet_airflow.operators.replay import ReplayOperator


def replay(loop: Loop, data: Asset) -> DAG:
    """Replay the loop's past."""
    day = {"type": ["null", "string"], "pattern": DAY}
    params = {
        "first": Param(
            None, **day, title="From", description="The first night (2013-01-31). Left empty, the first champion's."
        ),
        "last": Param(None, **day, title="To", description="The last night. Left empty, the latest published."),
        "policies": Param(
            spec.POLICIES,
            type="string",
            title="Policies",
            description=(
                f"{spec.OWN}, {spec.NEVER}, or {', '.join(extensions.names('policies', loop.folder))} with their keys, "
                "joined by +; parted by spaces. The contract's own is always among them."
            ),
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
    with loop_dag(loop, "replay", schedule=None, params=params, max_active_runs=1) as dag:
        chosen = {name: f"{{{{ params.{name} if params.{name} is not none else '' }}}}" for name in params}
        ReplayOperator(task_id="replay", loop=loop.name, inlets=[data], **chosen, **where(loop, "replay"))
    return dag
