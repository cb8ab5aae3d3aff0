"""What follows a verdict to promote, in the train DAG and in the monitor's: refit, approval, promotion."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Asset, BaseOperator, chain

from ratchet.contract.loop import Loop
from ratchet_airflow.links import PAGES
from ratchet_airflow.loop_dags.common import REGISTRY_POOL, where
from ratchet_airflow.operators.train import ApproveOperator, PromoteOperator, RefitOperator


def promotion(loop: Loop, model: Asset, judge: BaseOperator, until: str = "") -> BaseOperator:
    """Let what follows a verdict to promote follow: refit, approval, promotion. Each is skipped where there is none.

    Return the task after which nothing waits for anybody: the last, or the one before a person is asked.
    """
    verdict = f"ti.xcom_pull(task_ids='{judge.task_id}')"
    won = {"loop": loop.name, "run": f"{{{{ {verdict}['run'] }}}}", "mlflow_run": f"{{{{ {verdict}['mlflow_run'] }}}}"}
    tasks: list[BaseOperator] = [judge]
    if loop.gate.deploy == "refit":
        tasks.append(RefitOperator(task_id="refit", until=until, **won, **where(loop, "refit")))
    answer = ""
    if loop.gate.approval == "required":
        report = f"{PAGES}/decisions/{loop.name}/{{{{ {verdict}['report'] }}}}"
        tasks.append(
            ApproveOperator(
                task_id="approve",
                verdict=f"{{{{ {verdict}['verdict'] }}}}",
                subject=f"Promote a challenger of {loop.name}?",
                body=f"{{{{ {verdict}['summary'] }}}}\n\n[The whole report]({report})",
                response_timeout=timedelta(hours=loop.gate.approval_hours),
            )
        )
        answer = "{{ ti.xcom_pull(task_ids='approve') | tojson }}"
    promote = PromoteOperator(
        task_id="promote", approval=answer, outlets=[model], **won, **where(loop, "promote", REGISTRY_POOL)
    )
    chain(*tasks, promote)
    return promote if not answer else tasks[-2]
