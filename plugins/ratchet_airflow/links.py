"""Links from a task to what it made.

MLflow run, drift report, decision report, where it got worse, replay report, Data Docs, dataset commit.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import PurePath
from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink

from ratchet.settings import Settings

PAGES = "/ratchet"  # where the plugin's own pages are mounted


class _ResultLink(BaseOperatorLink):
    """A link made from the result of the task's step; empty where the result holds nothing to link to."""

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Make the link. Airflow calls this in the worker when the task has ended, and stores it."""
        result = getattr(operator, "result", {})
        return self.address(result, operator) if result and "error" not in result else ""

    @abstractmethod
    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Make the link from a result without an error."""


class MlflowRunLink(_ResultLink):
    """The MLflow run that a training, or the champion a monitor looked at, is kept in."""

    name = "MLflow run"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to MLflow's own UI."""
        run = result.get("mlflow_run")
        return f"{Settings.current().tracking_uri.rstrip('/')}/#/runs/{run}" if run else ""


class DriftReportLink(_ResultLink):
    """Evidently's report of a night that compared something; it is made when it is asked for."""

    name = "Drift report"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the plugin's page."""
        return f"{PAGES}/reports/{operator.loop}/{result['partition']}/drift.html" if result.get("days") else ""


class DecisionReportLink(_ResultLink):
    """The page about a decision of gate or duel."""

    name = "Decision report"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the plugin's page."""
        return f"{PAGES}/decisions/{operator.loop}/{result['report']}" if result.get("report") else ""


class ExplanationLink(_ResultLink):
    """The page that says in which rows a champion got worse."""

    name = "Where it got worse"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the plugin's page."""
        page = f"{PAGES}/reports/{operator.loop}/{result['partition']}/explanation.html"
        return page if result.get("explanation") else ""


class ReplayReportLink(_ResultLink):
    """The page about a replay."""

    name = "Replay report"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the plugin's page."""
        return f"{PAGES}/replays/{operator.loop}/{PurePath(result['report']).name}" if result.get("report") else ""


class DataDocsLink(_ResultLink):
    """Great Expectations' page about a delivery."""

    name = "Data Docs"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the page of the loop's first table."""
        day = max(result.get("statuses") or {"": ""})
        table = next(iter(result.get("docs") or {"": ""}))
        return f"{PAGES}/data-docs/{operator.loop}/{table}/{day}.html" if day and table else ""


class DatasetCommitLink(_ResultLink):
    """The commit of the data registry that a delivery became, or a snapshot is pinned to."""

    name = "Dataset commit"

    def address(self, result: dict[str, Any], operator: Any) -> str:
        """Link to the plugin's page."""
        return f"{PAGES}/commits/{result['revision']}" if result.get("revision") else ""


ALL = (
    MlflowRunLink(),
    DriftReportLink(),
    DecisionReportLink(),
    ExplanationLink(),
    ReplayReportLink(),
    DataDocsLink(),
    DatasetCommitLink(),
)
