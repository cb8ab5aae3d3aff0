"""Operator of the upkeep DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ratchet_airflow.operators.base import StepOperator


class PruneOperator(StepOperator):
    """Take away what the contract of a loop says need not be kept.

    :param loop: name of the loop. The other parameters are templated.
    :param dry_run: `true` only says what would go.
    """

    step = "prune"
    template_fields: Sequence[str] = ("dry_run",)

    def __init__(self, *, dry_run: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run
