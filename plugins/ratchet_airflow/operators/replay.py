"""Operator of the replay DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet_airflow.links import MlflowRunLink, ReplayReportLink
from ratchet_airflow.operators.base import StepOperator


class ReplayOperator(StepOperator):
    """Run the loop's past under several policies, and recommend the one that would have cost least.

    :param loop: name of the loop. The other parameters are templated.
    :param first: the first night; by default the one after the first champion's training.
    :param last: the last night; the latest published by default.
    :param policies: as `calendar:days=7` or `drift+degradation:margin=0.1`, parted by spaces.
    :param gates: keys of the gate that differ, as `aim=superior,margin=0`, parted by spaces.
    :param cost: what a retraining is worth, in the loss's units times days.
    """

    step = "replay"
    template_fields: Sequence[str] = ("first", "last", "policies", "gates", "cost")
    operator_extra_links = (ReplayReportLink(), MlflowRunLink())

    def __init__(
        self, *, first: str = "", last: str = "", policies: str = "", gates: str = "", cost: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.first = first
        self.last = last
        self.policies = policies
        self.gates = gates
        self.cost = cost
