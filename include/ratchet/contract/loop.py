"""The contract of one model: what `loop.yaml` may say, and what it means."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from ratchet.contract import cron, resting
from ratchet.contract.part import Part, mistake
from ratchet.contract.rules import VALUE, DayCount, Gate, Keep, Loss, Monitor, Retrain
from ratchet.contract.runtime import Name, Runtime
from ratchet.contract.table import Table

Task = Literal["binary", "multiclass", "regression"]
Holiday = Annotated[str, BeforeValidator(resting.plain), AfterValidator(resting.check)]
LABELS = DELIVERED, FETCHED_AGAIN = "delivered", "fetched_again"  # how labels come, where no table brings them

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


class Source(Part):
    """Where the data come from: a source, and the options that it reads."""

    kind: str = Field(
        description="A source: Ratchet's own, sources/<kind>.py in the loop's folder, or an installed one."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="The source's own options.")


class Target(Part):
    """What is predicted: a SQL expression over the first table. Null where it is not known (yet)."""

    name: Name = "target"
    sql: str = Field(description="DuckDB expression over the columns of the first table.")


class Features(Part):
    """What a model may know: DuckDB SQL over the tables, as of each row's prediction time."""

    sql: str = Field(default="features.sql", description="A file in the loop's folder.")
    lookback_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        default=0, description="Days of history that the SQL needs before the first row."
    )
    categorical: tuple[str, ...] = Field(
        default=(), description="Features that are categories; all others are numbers."
    )


class Schedule(Part):
    """When the DAGs run by themselves, and the days on which no rows are expected. Scoring and monitoring follow."""

    ingest: str | None = Field(
        default="0 1 * * *", description="Cron; a run ingests every day (UTC) that is over and was not ingested yet."
    )
    timezone: str = Field(default="UTC", description="The zone of the cron, as Europe/Berlin.")
    partition: Literal["day"] = Field(default="day", description="Partitions are days, from midnight to midnight, UTC.")
    calendar: Literal["every_day", "weekdays"] = Field(
        default="every_day", description="Days on which rows are expected; on another the loop may rest."
    )
    holidays: tuple[Holiday, ...] = Field(
        default=(), description="More days of rest: dates as 2024-12-25, or the holidays of a country as DE or US-NY."
    )

    @field_validator("ingest")
    @classmethod
    def _cron_comes_round(cls, text: str | None) -> str | None:
        return None if text is None else cron.check(text)

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        return cron.check_zone(zone)

    @field_validator("partition", mode="before")
    @classmethod
    def _partitions_are_days(cls, length: Any) -> Any:
        if length != "day":
            raise ValueError(
                f"{length!r} is no length of a partition: partitions are days, and any cron works over them"
            )
        return length


class Training(Part):
    """How a challenger is made."""

    trainer: str = Field(
        default="gradient_boosting",
        description="A trainer: Ratchet's own, trainers/<name>.py in the loop's folder, or an installed one.",
    )
    window: Literal["expanding"] | DayCount = Field(default="expanding", description="Days of data, or all there are.")
    holdout_days: DayCount = Field(default=7, description="The latest labelled days, kept from training, for the gate.")
    intercept_days: Annotated[int, Field(ge=0, le=365)] = Field(
        default=21,
        description="Labelled days, the latest not seen, that answers are shifted after; 0: not at all.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    params: dict[str, Any] = Field(default_factory=dict, description="The trainer's own parameters.")

    @model_validator(mode="after")
    def _window_holds_holdout(self) -> Training:
        if isinstance(self.window, int) and self.window <= self.holdout_days:
            raise mistake(
                ("window",),
                f"a window of {self.window} days leaves nothing to train on beside a holdout of {self.holdout_days}; "
                f"make window at least {self.holdout_days + 1}, or holdout_days smaller",
            )
        return self


class Loop(Part):
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
    labels: Name | None = Field(
        default=None,
        description="How labels come that are not known at once: delivered (with the rows), fetched_again (the "
        "partition is fetched again when they are due), or the name of a table that brings them by the first's key.",
    )
    schedule: Schedule = Schedule()
    training: Training = Training()
    gate: Gate = Gate()
    monitor: Monitor = Monitor()
    retrain: Retrain = Retrain()
    keep: Keep = Keep()
    runtime: dict[str, Runtime] = Field(default_factory=dict, description="Step name -> where it runs.")
    folder: Path = Field(default=Path(), exclude=True, json_schema_extra={"readOnly": True})

    @field_validator("tables")
    @classmethod
    def _names_are_free(cls, tables: dict[str, Table]) -> dict[str, Table]:
        for name, table in tables.items():
            for column in table.columns:
                if column.startswith("_ratchet") or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column):
                    text = f"column {column!r}: letters, digits and _ only, and not starting with _ratchet"
                    raise mistake((name, "columns", column), text)
        return tables

    @model_validator(mode="after")
    def _task_fits(self) -> Loop:
        losses = (*LOSSES[self.task], VALUE)
        if self.gate.loss is not None and self.gate.loss not in losses:
            text = f"{self.gate.loss!r} is not a loss of {self.task}"
            raise mistake(("gate", "loss"), text, self.gate.loss, losses)
        if self.gate.value:
            self.gate.value.fit(self.task)
        if self.gate.fairness and self.task != "binary":
            text = f"fairness compares positive rates, which only a binary loop has; this one is {self.task}"
            raise mistake(("gate", "fairness"), text)
        return self

    @model_validator(mode="after")
    def _labels_are_there(self) -> Loop:
        if self.labels in (None, *LABELS):
            return self
        table = self.tables.get(self.labels)
        if table is None:
            text = f"labels names {self.labels!r}, which is neither {' nor '.join(LABELS)} nor a table"
            raise mistake(("labels",), text, self.labels, [*LABELS, *list(self.tables)[1:]])
        if self.labels == self.main:
            text = f"labels names {self.labels!r}, the table whose rows are predicted"
            raise mistake(("labels",), f"{text}; labels that come with those rows are labels: delivered")
        if missing := [name for name in self.main_table.key if name not in table.columns]:
            raise mistake(
                ("tables", self.labels, "columns"),
                f"the table of the labels has not the column {', '.join(missing)}, of the key of {self.main}; "
                "a label finds its row by all of them",
            )
        return self

    @model_validator(mode="after")
    def _keeps_what_it_needs(self) -> Loop:
        window = self.training.window if isinstance(self.training.window, int) else self.training.holdout_days + 1
        waits = self.gate.patience  # a challenger is refitted, on its own window, when it has waited so long
        longest = max(window + waits, 2 * waits, self.monitor.window_days)
        needed = longest + self.features.lookback_days + self.label_delay_days
        if self.keep.data_days is not None and self.keep.data_days < needed:
            raise mistake(
                ("keep", "data_days"),
                f"{self.keep.data_days} lets go of days that training, duels and monitor look at; "
                f"make it at least {needed}",
            )
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

    @property
    def learnt_loss(self) -> Loss:
        """The loss that baselines and intercepts are learnt by: the gate's; the task's first where that is a value."""
        return LOSSES[self.task][0] if self.loss == VALUE else self.loss

    @property
    def measured_in(self) -> str:
        """What losses are measured in: where two contracts say the same here, theirs may be compared."""
        if self.loss != VALUE or self.gate.value is None:
            return self.loss
        said = json.dumps(self.gate.value.model_dump(mode="json"), sort_keys=True)
        return f"{VALUE}:{hashlib.sha256(said.encode()).hexdigest()[:12]}"

    @property
    def loss_words(self) -> str:
        """The loss in words: its name, or the unit of a value."""
        return f"{self.gate.value.unit} a row" if self.loss == VALUE and self.gate.value else self.loss

    @property
    def label_table(self) -> str | None:
        """Name of the table that brings labels, or None where they come with the rows."""
        return None if self.labels in (None, DELIVERED, FETCHED_AGAIN) else self.labels

    def runtime_of(self, step: str) -> Runtime:
        """Say where a step runs."""
        return self.runtime.get(step, Runtime())
