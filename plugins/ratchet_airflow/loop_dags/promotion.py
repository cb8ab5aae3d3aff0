"""What follows a verdict to promote, in the train DAG and in the monitor's: refit, and promotion or a question."""

from __future__ import annotations

from airflow.sdk import Asset, BaseOperator, chain

from ratchet.contract.loop import Loop
from ratchet_airflow.loop_dags.common import REGISTRY_POOL, where
from ratchet_airflow.operators.approve import AskOperator
from ratchet_airflow.operators.explain import ExplainOperator
from ratchet_airflow.operators.train import PromoteOperator, RefitOperator


def promotion(loop: Loop, model: Asset, judge: BaseOperator, until: str = "") -> BaseOperator:
    """Let what follows a verdict to promote follow, which says why where there is none; return the last task.

    Where a person is to approve, the last task asks, and waits for nobody: the DAG `<loop>.approve` promotes. What the
    model's predictions come from is made for them beside it.
    """
    verdict = f"ti.xcom_pull(task_ids='{judge.task_id}')"
    run = f"{{{{ {verdict}['run'] }}}}"
    won = {"loop": loop.name, "run": run, "mlflow_run": f"{{{{ {verdict}['mlflow_run'] }}}}"}
    nothing = f"{{{{ '' if {verdict}['verdict'] == 'promote' else {verdict}['reason'] }}}}"
    tasks: list[BaseOperator] = [judge]
    if loop.gate.deploy == "refit":
        tasks.append(RefitOperator(task_id="refit", until=until, nothing=nothing, **won, **where(loop, "refit")))
        refit = "ti.xcom_pull(task_ids='refit')"
        nothing = f"{{{{ {refit}['reason'] if {refit}['outcome'] == 'skipped' else '' }}}}"
    if loop.gate.approval:
        ask = AskOperator(task_id="ask", loop=loop.name, run=run, nothing=nothing)
        about = {"task_id": "explain_model", "loop": loop.name, "run": run, "nothing": nothing}
        ask >> ExplainOperator(**about, **where(loop, "explain"))
        tasks.append(ask)
    else:
        settled = where(loop, "promote", REGISTRY_POOL)
        tasks.append(PromoteOperator(task_id="promote", outlets=[model], nothing=nothing, **won, **settled))
    chain(*tasks)
    return tasks[-1]
