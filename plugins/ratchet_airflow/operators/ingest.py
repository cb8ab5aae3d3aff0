"""Operators of the ingest DAG: fetch, validate, publish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowSkipException

from ratchet_airflow import notes
from ratchet_airflow.links import DataDocsLink, DatasetCommitLink
from ratchet_airflow.operators.base import StepOperator


class FetchOperator(StepOperator):
    """Bring a delivery from the loop's source into staging.

    :param loop: name of the loop. The other parameters are templated.
    :param partitions: a day, or a range as 2013-01-01..2013-01-31.
    :param delivery: a name for the delivery; the partitions by default.
    """

    step = "fetch"
    template_fields: Sequence[str] = ("partitions", "delivery")

    def __init__(self, *, partitions: str, delivery: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partitions = partitions
        self.delivery = delivery


class ValidateOperator(StepOperator):
    """Part what is accepted from what goes to quarantine, with Great Expectations.

    :param loop: name of the loop. The other parameters are templated.
    :param partitions: a day, or a range as 2013-01-01..2013-01-31.
    :param delivery: a name for the delivery; the partitions by default.
    """

    step = "validate"
    template_fields: Sequence[str] = ("partitions", "delivery")
    operator_extra_links = (DataDocsLink(),)

    def __init__(self, *, partitions: str, delivery: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partitions = partitions
        self.delivery = delivery


class PublishOperator(StepOperator):
    """Write what was accepted into the data registry.

    The outlets fire for each day that is to be scored and monitored: with the run's own partition, or, for a run
    without one (started by hand), with the days that it published. Before there is a champion nothing is to be scored.

    :param loop: name of the loop. The other parameters are templated.
    :param partitions: a day, or a range as 2013-01-01..2013-01-31.
    :param delivery: a name for the delivery; the partitions by default.
    """

    step = "publish"
    template_fields: Sequence[str] = ("partitions", "delivery")
    operator_extra_links = (DatasetCommitLink(),)

    def __init__(self, *, partitions: str, delivery: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.partitions = partitions
        self.delivery = delivery

    def perform(self, context: Context) -> dict[str, Any]:
        """Publish, and tell the outlets which nights follow."""
        result = super().perform(context)
        days = result["nights"]
        if not days and result["outcome"] == "unchanged":
            notes.add(context, self.log, f"{self.step}: {result['reason']}, and its night is over")
            raise AirflowSkipException(result["reason"])
        if result.get("corrected"):
            notes.add(context, self.log, f"{self.step}: {'; '.join(result['corrected'])}")
        if days and not context["dag_run"].partition_key:
            for outlet in self.outlets:
                if isinstance(outlet, Asset):
                    context["outlet_events"][outlet].add_partitions(days)
        return result
