"""The contract of one model: what `loop.yaml` may say, and what it means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Task = Literal["binary", "multiclass", "regression"]
ColumnType = Literal["string", "int64", "float64", "bool", "timestamp", "date"]
Loss = Literal["log_loss", "brier", "absolute_error", "squared_error"]

LOSSES: dict[Task, tuple[Loss, ...]] = {
    "binary": ("log_loss", "brier"),
    "multiclass": ("log_loss",),
    "regression": ("absolute_error", "squared_error"),
}
METRICS: dict[Task, tuple[str, ...]] = {
    "binary": ("log_loss", "brier", "roc_auc", "average_precision", "calibration_error"),
    "multiclass": ("log_loss", "accuracy", "f1_macro"),
    "regression": ("mae", "rmse", "r2"),
}

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where the data come from: a file of `ratchet/data/sources/` and the options that it reads."""

    kind: str = Field(description="A source: a file of include/ratchet/data/sources/.")
    options: dict[str, Any] = Field(default_factory=dict, description="The source's own options.")


class Table(_Part):
    """One table of a delivery. The first table of a loop holds the rows to predict."""

    key: tuple[str, ...] = Field(min_length=1, description="Columns that name a row; never null, never twice.")
    time: str = Field(description="The row's own timestamp, UTC without a zone.")
    suite: str = Field(description="A Great Expectations suite: great_expectations/expectations/<suite>.json.")
    tolerance: Share = Field(default=0.02, description="Share of rows that may be quarantined; beyond it, all are.")
    columns: dict[str, ColumnType] = Field(min_length=1, description="Columns that a delivery must have, and types.")

    @model_validator(mode="after")
    def _columns_exist(self) -> Table:
        for role, names in (("key", self.key), ("time", (self.time,))):
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{role} names the column {name!r}, which is not under columns")
        if self.columns[self.time] != "timestamp":
            raise ValueError(f"time names the column {self.time!r}, which must be a timestamp")
        return self


class Target(_Part):
    """What is predicted: a SQL expression over the first table. Null where it is not known (yet)."""

    name: Name = "target"
    sql: str = Field(description="DuckDB expression over the columns of the first table.")


class Features(_Part):
    """What a model may know: DuckDB SQL over the tables, as of each row's prediction time."""

    sql: str = Field(default="features.sql", description="A file in the loop's folder.")
    lookback_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        default=0, description="Days of history that the SQL needs before the first row."
    )
    categorical: tuple[str, ...] = Field(default=(), description="Features that are categories; all others are numbers.")


class Schedule(_Part):
    """When the DAGs run by themselves. Scoring and monitoring follow ingestion."""

    ingest: str | None = Field(default="0 1 * * *", description="Cron; the run at day D ingests partition D-1.")
    train: str | None = Field(default="0 3 * * *", description="Cron of the regular retraining.")
    timezone: str = "UTC"


class Training(_Part):
    """How a challenger is made."""

    trainer: str = Field(default="gradient_boosting", description="A file of include/ratchet/training/trainers/.")
    window: Literal["expanding"] | Days = Field(default="expanding", description="Days of data, or all there are.")
    holdout_days: Days = Field(default=7, description="The latest labelled days, kept from training, for the gate.")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    params: dict[str, Any] = Field(default_factory=dict, description="The trainer's own parameters.")

    @model_validator(mode="after")
    def _window_holds_holdout(self) -> Training:
        if isinstance(self.window, int) and self.window <= self.holdout_days:
            raise ValueError(
                f"a window of {self.window} days leaves nothing to train on beside a holdout of {self.holdout_days}; "
                f"make window at least {self.holdout_days + 1}, or holdout_days smaller"
            )
        return self


class Bound(_Part):
    """An absolute bound on a metric of the holdout."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("a floor needs min or max")
        return self


class Slices(_Part):
    """Groups of rows in which a challenger must not be worse than the champion by more than a margin."""

    columns: tuple[str, ...] = Field(min_length=1, description="Features or key columns; every level of each is a slice.")
    rows: Annotated[int, Field(ge=2)] = Field(default=200, description="Fewest rows of the holdout that make a slice.")
    margin: Annotated[float, Field(ge=0)] = Field(default=0.05, description="In the loss's units.")
    level: Annotated[float, Field(gt=0, lt=0.5)] = Field(default=0.05, description="Of the tests of all slices together (Holm).")


class Fairness(_Part):
    """Bounds on how differently groups are treated: differences between the most and the least favoured level of a column."""

    columns: tuple[str, ...] = Field(min_length=1, description="Features or key columns whose levels are the groups.")
    threshold: Share = Field(default=0.5, description="Probability from which a prediction counts as positive.")
    rows: Annotated[int, Field(ge=2)] = Field(default=200, description="Fewest rows of the holdout that make a group.")
    demographic_parity: Share | None = Field(default=None, description="Largest difference of the positive rates.")
    equalized_odds: Share | None = Field(default=None, description="Largest difference of true or false positive rates.")


class Gate(_Part):
    """When a challenger may replace the champion, and what takes its place."""

    loss: Loss | None = Field(default=None, description="Loss compared row by row; the task's first by default.")
    cluster: Literal["day", "week"] = Field(default="day", description="Rows that may depend on each other: they count as one.")
    aim: Literal["superior", "non_inferior"] = Field(
        default="superior", description="Better than the champion; or fresher, and not worse by more than the margin."
    )
    margin: Annotated[float, Field(ge=0)] = Field(default=0.0, description="Of non_inferior, in the loss's units.")
    bound: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="A cluster's difference is clipped to it. By default a tenth of the champion's loss."
    )
    level: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=0.05, description="Share of promotions that may be false, over all challengers; and of a false rollback, each."
    )
    deploy: Literal["evaluated", "refit"] = Field(
        default="evaluated", description="The model that was judged; or its recipe, fitted again on all labelled days."
    )
    refit_distance: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="Largest mean distance of a refit's predictions from its twin's, in their deviations (strangers': 1.13).",
    )
    ring: Annotated[int, Field(ge=1, le=20)] = Field(default=3, description="Challengers that wait in shadow at once.")
    patience_days: Days = Field(default=28, description="Days that a challenger, or the predecessor, stays in shadow.")
    approval: Literal["none", "required"] = Field(default="none", description="A person answers between gate and promotion.")
    approval_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(default=24, description="No answer by then means no.")
    floors: dict[str, Bound] = Field(default_factory=dict, description="Bounds on the challenger's metrics.")
    slices: Slices | None = None
    fairness: Fairness | None = None
    latency_ms: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Median time of one row's prediction, at most.")
    size_mb: Annotated[float, Field(gt=0)] | None = Field(default=None, description="Size of the stored model, at most.")
    signature: Literal["compatible", "any"] = Field(
        default="compatible", description="compatible: whoever can call the champion can call the challenger."
    )
    behaviour: str | None = Field(default=None, description="A file of behavioural tests in the loop's folder.")

    @model_validator(mode="after")
    def _margin_fits(self) -> Gate:
        if self.aim == "non_inferior" and not self.margin:
            raise ValueError("aim non_inferior needs a margin: how much worse than the champion may a fresher model be?")
        if self.aim == "superior" and self.margin:
            raise ValueError("a margin belongs to aim non_inferior; to be superior, a challenger has to be better")
        if self.bound is not None and self.bound <= 2 * self.margin:
            raise ValueError(f"bound {self.bound:g} must be more than twice the margin {self.margin:g}")
        return self


class Monitor(_Part):
    """What is watched each night, and when it asks for a retraining."""

    window_days: Days = Field(default=7, description="Days of recent features compared with the champion's own.")
    alarms_per_year: Annotated[float, Field(gt=0, le=365)] = Field(
        default=2, description="False drift alarms a year that thresholds are calibrated to, on unchanged data."
    )
    harm_days: Days = Field(default=3, description="Days of live loss that are compared with the holdout's.")
    harm_margin: Annotated[float, Field(ge=0)] = Field(
        default=0.1, description="Relative rise of the live loss over the holdout's that counts as harm."
    )
    cooldown_days: Annotated[int, Field(ge=0, le=3660)] = Field(default=5, description="Least days between requests.")


class Runtime(_Part):
    """Where a step runs."""

    kind: Literal["local"] = "local"
    pool: Name = "default_pool"


class Loop(_Part):
    """One model's whole contract, read from `include/loops/<name>/loop.yaml`."""

    name: Name
    description: str = Field(min_length=1)
    owner: str = "data"
    task: Task
    source: Source
    tables: dict[Name, Table] = Field(min_length=1)
    target: Target
    features: Features = Features()
    label_delay_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=1, description="Days after which a partition's labels count as known."
    )
    schedule: Schedule = Schedule()
    training: Training = Training()
    gate: Gate = Gate()
    monitor: Monitor = Monitor()
    runtime: dict[str, Runtime] = Field(default_factory=dict, description="Step name -> where it runs.")
    folder: Path = Field(default=Path(), exclude=True, json_schema_extra={"readOnly": True})

    @field_validator("tables")
    @classmethod
    def _names_are_free(cls, tables: dict[str, Table]) -> dict[str, Table]:
        for table in tables.values():
            for column in table.columns:
                if column.startswith("_ratchet") or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column):
                    raise ValueError(f"column {column!r}: letters, digits and _ only, and not starting with _ratchet")
        return tables

    @model_validator(mode="after")
    def _task_fits(self) -> Loop:
        if self.gate.loss is not None and self.gate.loss not in LOSSES[self.task]:
            raise ValueError(f"gate.loss {self.gate.loss!r} is not a loss of {self.task}: {', '.join(LOSSES[self.task])}")
        if self.gate.fairness and self.task != "binary":
            raise ValueError(f"gate.fairness compares positive rates, which only a binary loop has; this one is {self.task}")
        for metric in self.gate.floors:
            if metric not in METRICS[self.task]:
                raise ValueError(f"gate.floors names {metric!r}, which is not a metric of {self.task}: {', '.join(METRICS[self.task])}")
        return self

    @property
    def main(self) -> str:
        """Name of the table with the rows to predict."""
        return next(iter(self.tables))

    @property
    def main_table(self) -> Table:
        """The table with the rows to predict."""
        return self.tables[self.main]

    @property
    def loss(self) -> Loss:
        """The loss that gate and monitor compare."""
        return self.gate.loss or LOSSES[self.task][0]

    def runtime_of(self, step: str) -> Runtime:
        """Say where a step runs."""
        return self.runtime.get(step, Runtime())
