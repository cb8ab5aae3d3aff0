"""Operator of what is made after a decision, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ratchet_airflow.links import MlflowRunLink
from ratchet_airflow.operators.train import AfterVerdict


class ExplainOperator(AfterVerdict):
    """Make Evidently's page about a night, or the page about what a model's predictions come from (SHAP).

    Nobody waits for it: the night has ended, or the question been asked, and no failure of it gives a night up.

    :param loop: name of the loop. The other parameters are templated.
    :param partition: the night that was compared; or
    :param run: the key of the training.
    :param nothing: why nothing is to be explained; empty where something is.
    """

    step = "explain"
    request_fields: ClassVar[Sequence[str]] = ("partition", "run")
    template_fields: Sequence[str] = ("partition", "run", "nothing")
    operator_extra_links = (MlflowRunLink(),)

    def __init__(self, *, partition: str = "", run: str = "", nothing: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partition = partition
        self.run = run
        self.nothing = nothing
