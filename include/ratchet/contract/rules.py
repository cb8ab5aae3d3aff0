"""The parts of a contract that say how decisions are made, and how long what they rest on is kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from ratchet.contract.part import Part, mistake
from ratchet.contract.value import Value

Loss = Literal["log_loss", "brier", "absolute_error", "squared_error", "value"]
VALUE: Loss = "value"  # what `gate.value` says that a row costs
Share = Annotated[float, Field(ge=0, le=1)]
ANYBODY = "*"  # what `approval: required` of older contracts is read as: whoever may answer
DayCount = Annotated[int, Field(ge=1, le=3660)]
Login = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]  # as Airflow spells it
Undefined = Literal["forbid", "tell"]
Level = Annotated[float, Field(gt=0, lt=0.5)]

# Where a contract says nothing: of the bound, the margin; of the champion's loss, the bound, by what a challenger has
# to be. Two equal models are then decided in 7 to 9 days where their days differ by 2 % of the loss, in 9 to 15 where
# they do by 5 % (docs/promotion.md, "The defaults").
MARGIN, EIGHTH, THIRD = 0.4, 1 / 8, 1 / 3
DISTANCE, FEW = 0.6, 3000  # deviations between a refit and the evaluated model, from so many rows to learn from on
PATIENCE = {"day": 28, "week": 70}  # days, by what counts as one: longer than those need


class Bound(Part):
    """An absolute bound on a metric of the holdout."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("a floor needs min or max")
        return self


class Slices(Part):
    """Groups of rows in which a challenger must not be worse than the champion by more than a margin."""

    columns: tuple[str, ...] = Field(
        min_length=1, description="Features or key columns; every level of each is a slice."
    )
    rows: Annotated[int, Field(ge=2)] = Field(default=200, description="Fewest rows of the holdout that make a slice.")
    margin: Annotated[float, Field(ge=0)] = Field(default=0.05, description="In the loss's units.")
    level: Level = Field(default=0.05, description="Of the tests of all slices together (Holm).")
    undefined: Undefined = Field(
        default="forbid", description="What follows where a column, or a slice, cannot be judged: forbid, or tell."
    )


class Fairness(Part):
    """Bounds on how differently groups are treated.

    Differences between the most and the least favoured level of a column.
    """

    columns: tuple[str, ...] = Field(min_length=1, description="Features or key columns whose levels are the groups.")
    threshold: Share = Field(default=0.5, description="Probability from which a prediction counts as positive.")
    rows: Annotated[int, Field(ge=2)] = Field(
        default=200,
        description="Rows from which a group is judged by its rates; a smaller one by their exact intervals.",
    )
    demographic_parity: Share | None = Field(default=None, description="Largest difference of the positive rates.")
    equalized_odds: Share | None = Field(
        default=None, description="Largest difference of true or false positive rates."
    )
    undefined: Undefined = Field(
        default="forbid", description="What follows where a bounded difference is undefined: forbid, or tell."
    )


class Gate(Part):
    """When a challenger may replace the champion, and what takes its place."""

    loss: Loss | None = Field(
        default=None, description="Loss compared row by row; the task's first by default. value: what gate.value says."
    )
    value: Value | None = Field(default=None, description="What a row costs, in a unit of your own.")
    cluster: Literal["day", "week"] = Field(
        default="day", description="Rows that may depend on each other: they count as one."
    )
    aim: Literal["superior", "non_inferior"] = Field(
        default="non_inferior",
        description="Better than the champion; or fresher, and not worse by more than the margin.",
    )
    margin: Annotated[float, Field(ge=0)] | None = Field(
        default=None,
        description=f"Of non_inferior, in the loss's units. By default {MARGIN:g} of the bound: a twentieth of the "
        "champion's loss where neither is said.",
    )
    bound: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="A cluster's difference is clipped to it: the worst that a day can be, for what is proved to hold. "
        "By default an eighth of the champion's loss at its own first look, and at least 2.5 margins; a third where "
        "aim is superior. Of a first model, of its baseline's loss before.",
    )
    level: Level = Field(
        default=0.05,
        description="Probability that a challenger worse than the margin is promoted, each; and of a false rejection.",
    )
    rollback_level: Level = Field(
        default=0.2, description="Probability that a predecessor that is no better takes the champion's place, each."
    )
    anchor_days: DayCount = Field(
        default=90,
        description="Age from which the anchor may move to a champion that is proved not worse than the best of all "
        "kept; before, only to one that is proved better.",
    )
    deploy: Literal["evaluated", "refit"] = Field(
        default="refit", description="The model that was judged; or its recipe, fitted again on all labelled days."
    )
    # Refits of flight_delays on 24 to 59 days lie at 0.16 to 0.47. At 0.70 to 0.80 lies a constant, and a model fitted
    # on shuffled targets; at 1.13 a stranger as spread out; at 2.9 and more one whose answers are turned round.
    refit_distance: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="Largest mean distance of a refit's predictions from the evaluated model's, "
        f"in their deviations (a constant's: 0.8). By default {DISTANCE:g} and, where the evaluated model has learnt "
        f"from fewer than {FEW:,} rows, told only: of few rows, refits lie further off.",
    )
    shadows: Annotated[int, Field(ge=1, le=20)] = Field(
        default=3, description="Challengers that wait in shadow at once."
    )
    patience_days: DayCount | None = Field(
        default=None,
        description="Days that a challenger, or the predecessor, stays in shadow. "
        f"By default {PATIENCE['day']}; {PATIENCE['week']} where clusters are weeks.",
    )
    approval: tuple[Login, ...] = Field(
        default=(), description="Logins of those who may answer between gate and promotion; none: nobody is asked."
    )
    approval_hours: Annotated[float, Field(gt=0, le=24 * 30)] = Field(
        default=24, description="No answer by then means no."
    )
    floors: dict[str, Bound] = Field(default_factory=dict, description="Bounds on the challenger's metrics.")
    slices: Slices | None = None
    fairness: Fairness | None = None
    latency_ms: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="Most that one row's prediction may take, on a machine on which Ratchet's reference takes 1 ms; "
        "beyond it a challenger waits, and is measured again each night.",
    )
    size_mb: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Size of the stored model, at most."
    )
    signature: Literal["compatible", "any"] = Field(
        default="compatible", description="compatible: whoever can call the champion can call the challenger."
    )
    checks: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Checks of your own, with their options."
    )
    accept: tuple[str, ...] = Field(
        default=(),
        description="What looks too good to be true and is a person's to allow: features, or too_good for the model.",
    )
    behaviour: str | None = Field(default=None, description="A file of behavioural tests in the loop's folder.")

    @property
    def patience(self) -> int:
        """Days in shadow: what the contract says or, where it does not, by what counts as one."""
        return PATIENCE[self.cluster] if self.patience_days is None else self.patience_days

    def of_before(self) -> Gate:
        """Return what a contract of before aim and deployment had the defaults of now has meant by the same words."""
        meant = {"aim": "superior", "deploy": "evaluated"}
        return self.model_copy(update={name: meant[name] for name in meant if name not in self.model_fields_set})

    @field_validator("approval", mode="before")
    @classmethod
    def _of_older_contracts(cls, value: Any) -> Any:
        """Read the contracts that past decisions were taken by; `catalog.load` refuses one of now that says so."""
        return {"none": (), "required": (ANYBODY,)}.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _margin_fits(self) -> Gate:
        if self.aim == "non_inferior" and self.margin == 0:
            raise mistake(
                ("margin",),
                "aim non_inferior needs a margin of more than 0: how much worse than the champion may a fresher model "
                "be? Leave it out for the default, or say aim: superior where it has to be better",
            )
        if self.aim == "superior" and self.margin:
            raise mistake(
                ("margin",), "a margin belongs to aim non_inferior; to be superior, a challenger has to be better"
            )
        if self.bound is not None and self.margin and self.bound <= 2 * self.margin:
            raise mistake(("bound",), f"bound {self.bound:g} must be more than twice the margin {self.margin:g}")
        return self

    @model_validator(mode="after")
    def _value_is_there(self) -> Gate:
        if self.loss == VALUE and self.value is None:
            raise mistake(("loss",), "loss value needs gate.value: what is counted, and what a row costs")
        if self.loss == VALUE and self.bound is None:
            text = "loss value needs a bound: how much worse, at most, may a day be, in the unit, a row"
            raise mistake(("loss",), f"{text}? A share of a cost says nothing where costs may be gains")
        return self


class Monitor(Part):
    """What is watched each night."""

    window_days: DayCount = Field(
        default=7, description="Days of recent features compared with the champion's own, and of live losses."
    )
    alarms_per_year: Annotated[float, Field(gt=0, le=365)] = Field(
        default=2, description="False drift alarms a year that thresholds are calibrated to, on unchanged data."
    )


class Keep(Part):
    """How long what nothing needs is kept. What a registered model was made of, and decisions, are kept for ever."""

    data_days: Annotated[int, Field(ge=30)] | None = Field(
        default=None,
        description="Partitions older than this are let go; their bytes, where no registered model needs them.",
    )
    superseded_days: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Rows that a later delivery of their day has replaced. A replay needs them."
    )
    runs_days: Annotated[int, Field(ge=7)] | None = Field(
        default=90, description="MLflow runs that no registered version names and no decision needs any more."
    )
    pages_days: DayCount = Field(default=90, description="Drift pages and Data Docs of a night; their numbers stay.")
    work_days: DayCount = Field(
        default=7,
        description="What can be made again: staged deliveries, snapshots, features of older SQL, copies of models, "
        "shadow scores.",
    )


COOLDOWN, CALENDAR = 5, 7  # days, where a contract says nothing: between requests, and of a calendar


class Retrain(Part):
    """When a retraining is admitted."""

    policies: dict[str, dict[str, Any]] = Field(
        default={"drift": {}, "degradation": {}}, description="What may ask, with its options; any one is enough."
    )
    cooldown_days: Annotated[int, Field(ge=0, le=3660)] | None = Field(
        default=None,
        description=f"Least days between requests. By default {COOLDOWN}, and no more than the step of a calendar.",
    )
    per_week: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Most requests in seven days.")
    minutes_per_week: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="No request once seven days have spent so many minutes of training (GPU or CPU)."
    )

    @property
    def cooldown(self) -> int:
        """Least days between requests: what the contract says or, of a loop that retrains by a calendar, its step."""
        if self.cooldown_days is not None:
            return self.cooldown_days
        step = self.calendar
        return COOLDOWN if step is None else min(COOLDOWN, step)

    @property
    def calendar(self) -> int | None:
        """Days between the retrainings of the calendar; None where none asks."""
        options = self.policies.get("calendar")
        return None if options is None else int(options.get("days", CALENDAR))

    @field_validator("policies", mode="before")
    @classmethod
    def _no_options_are_defaults(cls, policies: Any) -> Any:
        """Let `drift:` with nothing after it mean its defaults."""
        return {name: options or {} for name, options in policies.items()} if isinstance(policies, dict) else policies
