"""Operators of the train DAG: snapshot, train, evaluate, gate, refit, promote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import Context

from ratchet_airflow import notes
from ratchet_airflow.links import DatasetCommitLink, DecisionReportLink, MlflowRunLink
from ratchet_airflow.operators.base import StepOperator


class SnapshotOperator(StepOperator):
    """Pin a revision and a window of the data.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param until: the latest partition that exists for this training; the latest published by default.
    :param revision: of the data registry; the newest by default.
    :param reason: why a person has started the run.
    """

    step = "snapshot"
    request_fields: ClassVar[Sequence[str]] = ("run", "until", "revision")
    template_fields: Sequence[str] = ("run", "until", "revision", "reason")
    operator_extra_links = (DatasetCommitLink(),)

    def __init__(self, *, run: str, until: str = "", revision: str = "", reason: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.until = until
        self.revision = revision
        self.reason = reason

    def perform(self, context: Context) -> dict[str, Any]:
        """Pin; why the run was started by hand stands in its note."""
        if self.reason and context["dag_run"].run_type == "manual":
            notes.add(context, self.log, self.reason)
        return super().perform(context)


class TrainOperator(StepOperator):
    """Fit a challenger on the run's snapshot.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param reason: why it is trained; kept with the model.
    """

    step = "train"
    request_fields: ClassVar[Sequence[str]] = ("run", "reason", "asked_by")
    template_fields: Sequence[str] = ("run", "reason")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, reason: str = "asked for", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.reason = reason
        self.asked_by = ""

    def perform(self, context: Context) -> dict[str, Any]:
        """Train. Who has asked for the run is what Airflow's server has written of it, and nothing that was sent."""
        self.asked_by = context["dag_run"].triggering_user_name or ""
        return super().perform(context)


class EvaluateOperator(StepOperator):
    """Score challenger and champion on the same held-out rows.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that holds the challenger.
    """

    step = "evaluate"
    template_fields: Sequence[str] = ("run", "mlflow_run")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run


class GateOperator(StepOperator):
    """Take the first look at the challenger: promote it, refuse it, or let it wait in shadow.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that holds the challenger.
    """

    step = "gate"
    template_fields: Sequence[str] = ("run", "mlflow_run")
    operator_extra_links = (DecisionReportLink(), MlflowRunLink())

    def __init__(self, *, run: str, mlflow_run: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run

    def perform(self, context: Context) -> dict[str, Any]:
        """Look; what was decided stands in the run's note."""
        result = super().perform(context)
        notes.add(context, self.log, f"{self.step}: {result['reason']}")
        return result


class AfterVerdict(StepOperator):
    """A step on the run that a verdict names.

    Where there is nothing to do, that was decided: the task says why and ends well, and its assets have not changed.
    """

    nothing: str

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the step, or say why there is nothing to do."""
        if not self.nothing:
            return super().perform(context)
        self.result = {"outcome": "skipped", "reason": self.nothing}
        self.left_out()
        return self.result

    def left_out(self) -> None:
        """Say why nothing was done."""
        self.log.info("nothing to %s: %s", self.step, self.result["reason"])
        self.outlets.clear()  # what Airflow tells others of when the task has ended


class RefitOperator(AfterVerdict):
    """Fit the recipe of a challenger that is to be promoted on all labelled days; where it is not to be, say why.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that was judged.
    :param until: the latest partition that exists for the refit; by default the training's own days, the held-out ones
        included.
    :param nothing: why nothing is to be promoted; empty where something is.
    """

    step = "refit"
    request_fields: ClassVar[Sequence[str]] = ("run", "mlflow_run", "until")
    template_fields: Sequence[str] = ("run", "mlflow_run", "until", "nothing")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, until: str = "", nothing: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run
        self.until = until
        self.nothing = nothing


class PromoteOperator(AfterVerdict):
    """Register the challenger and make it the champion; where it was rejected, waits, or a person said no, say so.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that was judged.
    :param nothing: why nothing is to be promoted; empty where something is.
    """

    step = "promote"
    request_fields: ClassVar[Sequence[str]] = ("run", "mlflow_run")
    template_fields: Sequence[str] = ("run", "mlflow_run", "nothing")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, nothing: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run
        self.nothing = nothing
