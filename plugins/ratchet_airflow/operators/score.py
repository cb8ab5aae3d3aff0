"""Operator of the score DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet_airflow.operators.base import StepOperator


class ScoreOperator(StepOperator):
    """Predict every row of a partition with the champion.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the day.
    :param revision: of the data registry; the newest by default.
    """

    step = "score"
    template_fields: Sequence[str] = ("partition", "revision")

    def __init__(self, *, partition: str, revision: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition
        self.revision = revision
