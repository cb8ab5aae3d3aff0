"""Operators of the train DAG: snapshot, train, evaluate, gate, refit, promote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

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


class _AfterVerdict(StepOperator):
    """A step on the run that a verdict names; skipped where it names none."""

    run: str

    def perform(self, context: Context) -> dict[str, Any]:
        """Run the step, or skip."""
        if not self.run:
            raise AirflowSkipException("No challenger has won: there is nothing to do")
        return super().perform(context)


class RefitOperator(_AfterVerdict):
    """Fit the recipe of a challenger that is to be promoted on all labelled days; skipped where it is not to be.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that was judged.
    :param until: the latest partition that exists for the refit; by default the training's own days, the held-out ones
        included.
    """

    step = "refit"
    template_fields: Sequence[str] = ("run", "mlflow_run", "until")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, until: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run
        self.until = until


class PromoteOperator(_AfterVerdict):
    """Register the challenger and make it the champion; skipped where the gate rejected it, or a person said no.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that was judged.
    """

    step = "promote"
    template_fields: Sequence[str] = ("run", "mlflow_run")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run
