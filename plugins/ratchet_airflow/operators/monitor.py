"""Operators of the monitor DAG: drift, performance, duel, decide, and the trigger of a retraining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ratchet_airflow import notes
from ratchet_airflow.links import DecisionReportLink, DriftReportLink, ExplanationLink, MlflowRunLink
from ratchet_airflow.operators.base import StepOperator


class DriftOperator(StepOperator):
    """Compare the latest days with the champion's own training data.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the latest day to look at.
    :param revision: of the data registry; what the night knew by default.
    """

    step = "drift"
    template_fields: Sequence[str] = ("partition", "revision")
    operator_extra_links = (DriftReportLink(), MlflowRunLink())

    def __init__(self, *, partition: str, revision: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition
        self.revision = revision


class PerformanceOperator(StepOperator):
    """Measure what was predicted against the labels that have come since.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the night that looks.
    :param revision: of the data registry; what the night knew by default.
    """

    step = "performance"
    template_fields: Sequence[str] = ("partition", "revision")

    def __init__(self, *, partition: str, revision: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition
        self.revision = revision


class DuelOperator(StepOperator):
    """Look at the evidence that the night has added.

    Promote who waits, send them away, or turn back to the predecessor.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the night whose performance was measured.
    """

    step = "duel"
    template_fields: Sequence[str] = ("partition",)
    operator_extra_links = (DecisionReportLink(), ExplanationLink(), MlflowRunLink())

    def __init__(self, *, partition: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    def perform(self, context: Context) -> dict[str, Any]:
        """Look; what was decided stands in the run's note."""
        result = super().perform(context)
        if result["verdict"] != "wait" or result.get("waiting"):  # and not what stands there every night
            notes.add(context, self.log, f"{self.step}: {result['reason']}")
        if result["verdict"] != "rollback":
            self.outlets.clear()  # what Airflow tells others of when the task has ended: here, another champion
        _note_worse(self, context, result)
        return result


class DecideOperator(StepOperator):
    """Weigh the night's evidence: retrain, wait or veto.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the night whose drift and performance were measured.
    """

    step = "decide"
    template_fields: Sequence[str] = ("partition",)
    operator_extra_links = (ExplanationLink(),)

    def __init__(self, *, partition: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition

    def perform(self, context: Context) -> dict[str, Any]:
        """Decide; on an alarm of loss it stands in the run's note where it got worse."""
        result = super().perform(context)
        _note_worse(self, context, result)
        return result


def _note_worse(operator: StepOperator, context: Context, result: dict[str, Any]) -> None:
    """Say in the run's note in which rows the champion got worse, where the step has asked."""
    if worse := result.get("worse"):
        notes.add(context, operator.log, f"{operator.step}: {worse}")


class RetrainOperator(TriggerDagRunOperator):
    """Trigger the train DAG where the verdict is to retrain; where it is not, the run's note says why.

    The triggered run is named by its evidence, so that asking twice is asking once, and carries the reason in its note
    and conf.

    :param verdict: retrain, wait or veto. (templated)
    :param reason: of the verdict. (templated)
    """

    template_fields: Sequence[str] = (*TriggerDagRunOperator.template_fields, "verdict", "reason")

    def __init__(self, *, verdict: str, reason: str, **kwargs: Any) -> None:
        super().__init__(skip_when_already_exists=True, fail_when_dag_is_paused=True, **kwargs)
        self.verdict = verdict
        self.reason = reason

    def execute(self, context: Context) -> None:
        """Trigger, or do not, and say why: a decision to wait is one, and no task that was left out."""
        if self.verdict not in ("retrain", "wait", "veto"):
            raise AirflowSkipException("nothing was decided: there is no champion, and nobody waits")
        if self.verdict != "retrain":
            self.log.info("%s: %s", self.verdict, self.reason)
            notes.add(context, self.log, f"no retraining: {self.reason}")
            return
        notes.add(context, self.log, f"asked for a retraining: {self.reason}")
        self.note = self.reason[:1000]  # as much as a run's note holds
        super().execute(context)
