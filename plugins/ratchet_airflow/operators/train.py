"""Operators of the train DAG: snapshot, train, evaluate, gate, promote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet_airflow.links import DatasetCommitLink, MlflowRunLink
from ratchet_airflow.operators.base import StepOperator


class SnapshotOperator(StepOperator):
    """Pin a revision and a window of the data.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param until: the latest partition that exists for this training; the latest published by default.
    :param revision: of the data registry; the newest by default.
    """

    step = "snapshot"
    template_fields: Sequence[str] = ("run", "until", "revision")
    operator_extra_links = (DatasetCommitLink(),)

    def __init__(self, *, run: str, until: str = "", revision: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.until = until
        self.revision = revision


class TrainOperator(StepOperator):
    """Fit a challenger on the run's snapshot.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param reason: why it is trained; kept with the model.
    """

    step = "train"
    template_fields: Sequence[str] = ("run", "reason")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, reason: str = "asked for", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.reason = reason


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
    """Say whether the challenger may be promoted.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that holds the challenger.
    """

    step = "gate"
    template_fields: Sequence[str] = ("run", "mlflow_run")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run


class PromoteOperator(StepOperator):
    """Register the challenger and make it the champion; skipped where the gate held it.

    :param loop: name of the loop. The other parameters are templated.
    :param run: key of the training: the same key is the same training.
    :param mlflow_run: the MLflow run that holds the challenger.
    """

    step = "promote"
    template_fields: Sequence[str] = ("run", "mlflow_run")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, run: str, mlflow_run: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run
        self.mlflow_run = mlflow_run
