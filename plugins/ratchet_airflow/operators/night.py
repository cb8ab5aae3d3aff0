"""Operators of a night's order: turn, close, give up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from ratchet_airflow import notes
from ratchet_airflow.operators.base import StepOperator
from ratchet_airflow.operators.explain import ExplainOperator


class TurnOperator(StepOperator, TriggerDagRunOperator):
    """Open the nights that this run begins; start the run of the night before, where nobody has asked for it.

    :param loop: name of the loop. The other parameters are templated.
    :param partitions: a day, or a range as 2013-01-01..2013-01-31.
    :param run: what begins them.
    """

    step = "turn"
    operator_extra_links = ()  # the one to a triggered run leads nowhere where none was
    request_fields: ClassVar[Sequence[str]] = ("partitions", "run")
    template_fields: Sequence[str] = ("partitions", "run")

    def __init__(self, *, partitions: str, run: str, loop: str, **kwargs: Any) -> None:
        super().__init__(loop=loop, trigger_dag_id=f"{loop}.ingest", skip_when_already_exists=True, **kwargs)
        self.partitions = partitions
        self.run = run

    def execute(self, context: Context) -> dict[str, Any]:
        """Open the nights."""
        result = self.perform(context)
        if result["missing"]:
            notes.add(context, self.log, f"{self.step}: {result['reason']}")
        if night := result["make_up"]:
            self.trigger_run_id = result["run"]
            self.conf = {"partitions": night}
            self.note = f"made up: nobody had asked for it before {self.partitions}"
            TriggerDagRunOperator.execute(self, context)  # ends the task
        return result


class CloseOperator(StepOperator, SkipMixin):
    """End a night that was scored, monitored and decided. What explains it follows on an alarm alone.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the night.
    """

    step = "close"
    template_fields: Sequence[str] = ("partition",)

    def __init__(self, *, partition: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    def perform(self, context: Context) -> dict[str, Any]:
        """End the night; leave out what explains it where there was no alarm, at the cost of no task."""
        result = super().perform(context)
        unneeded = [task for task in self.downstream_list if isinstance(task, ExplainOperator)]
        if unneeded and not result["alarm"]:
            self.log.info("no alarm: the page about the night is made when somebody looks at it")
            context["ti"].xcom_push(key="return_value", value=result)  # skip() ends this task before Airflow stores it
            self.skip(ti=context["ti"], tasks=unneeded)
        return result


class GiveUpOperator(StepOperator):
    """Give a night up where a task of its run has failed for good, so that the nights after it go on; and fail.

    It runs where another task has failed, and never else.

    :param loop: name of the loop. The other parameters are templated.
    :param partitions: the nights; or
    :param training: the key of a training, whose night is given up.
    """

    step = "give_up"
    request_fields: ClassVar[Sequence[str]] = ("partitions", "training", "reason")
    template_fields: Sequence[str] = ("partitions", "training", "reason")

    def __init__(self, *, partitions: str = "", training: str = "", reason: str = "", **kwargs: Any) -> None:
        super().__init__(trigger_rule="one_failed", **kwargs)
        self.partitions = partitions
        self.training = training
        self.reason = reason

    def perform(self, context: Context) -> dict[str, Any]:
        """Give up, and fail as the run does."""
        self.reason = self.reason or self._why(context)
        result = super().perform(context)
        raise AirflowFailException(result["reason"])

    def _why(self, context: Context) -> str:
        run = context["dag_run"]
        states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id]).get(run.run_id, {})
        failed = sorted(task for task, state in states.items() if state == "failed" and task != self.task_id)
        return f"{run.dag_id} {run.run_id}: {', '.join(failed) or 'a task'} failed; the run's note says why"
