"""The part of a contract that says what models are worth to the team: `gate.value`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ratchet.contract.part import TASK, Part, mistake, mistakes

Outcome = Literal["true_positive", "false_positive", "false_negative", "true_negative"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)  # of a binary task
Unit = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
]
ONE, SEVERAL = "a cost", "costs of classes"  # what may stand for an outcome, or a class: names within pydantic's errors
Cost = Annotated[
    Annotated[float, Tag(ONE)] | Annotated[dict[str, float], Tag(SEVERAL)],
    Discriminator(lambda said: SEVERAL if isinstance(said, dict) else ONE),
]


class Value(Part):
    """What models are worth to the team: what a row costs, in a unit of its own."""

    unit: Unit = Field(description="What is counted, as minutes of delay.")
    costs: dict[str, Cost] | None = Field(
        default=None,
        description="What a row costs, 0 where nothing is said; negative is a gain. Of a binary task by outcome: "
        "true_positive, false_positive, false_negative, true_negative. Of classes: actual -> said -> cost.",
    )
    sql: str | None = Field(
        default=None,
        description="Or a DuckDB expression: what a row costs, of prediction, label and the row's features and key.",
    )

    @field_validator("unit", mode="before")
    @classmethod
    def _unit_is_named(cls, unit: Any) -> Any:
        if unit is None or (isinstance(unit, str) and not unit.strip()):
            raise ValueError(f"name a unit, as minutes of delay; found {unit!r}")
        return unit

    @field_validator("costs")
    @classmethod
    def _outcomes_are_known(cls, costs: dict[str, Cost] | None, info: ValidationInfo) -> dict[str, Cost] | None:
        """Tell each unknown outcome beside other mistakes, where the task is known before all of the contract is."""
        if (info.context or {}).get(TASK) == "binary" and (found := [*_unknown(costs or {}, ())]):
            raise mistakes(found)
        return costs

    @model_validator(mode="after")
    def _says_one(self) -> Value:
        if (self.costs is None) == (self.sql is None):
            found = "both" if self.sql is not None else "neither"
            raise mistake((), f"expected one of costs and sql, found {found}: say what a row costs in one way")
        return self

    @property
    def threshold(self) -> float:
        """The probability from which on positive costs less, of a binary task.

        Elkan 2001, "The foundations of cost-sensitive learning", section 2: it rests on calibrated probabilities, and
        on no data.
        """
        wrongly, missed = self._prices
        return wrongly / (wrongly + missed)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that costs name, in their order."""
        told = {actual: said for actual, said in (self.costs or {}).items() if isinstance(said, dict)}
        return tuple(dict.fromkeys([*told, *(name for said in told.values() for name in said)]))

    @property
    def spread(self) -> float:
        """The most that one answer to a row costs more than another, by costs."""
        names = self.classes
        if not names:
            return max(map(abs, self._prices))
        rows = ([self.cost(actual, said) for said in names] for actual in names)
        return max(max(row) - min(row) for row in rows)

    def cost(self, actual: str, said: str = "") -> float:
        """Return what a row costs. actual: an outcome of a binary task; or a class, of which another was said."""
        found = (self.costs or {}).get(actual, 0.0)
        return found.get(said, 0.0) if isinstance(found, dict) else found

    def fit(self, task: str) -> None:
        """Raise a mistake, at its place in the contract, where a task has no such costs or decides nothing by them."""
        place = ("gate", "value", "costs")
        if self.costs is None:
            return
        if task == "regression":
            raise mistake(place, "a regression has no outcomes to count: write sql, as sql: abs(prediction - label)")
        if task == "binary" and (unknown := [*_unknown(self.costs, place)]):
            raise unknown[0]
        for name, found in self.costs.items():
            if task == "multiclass" and not isinstance(found, dict):
                raise mistake((*place, name), "expected what each class costs that is said of it, as {late: 15}")
            if task == "binary" and isinstance(found, dict):
                raise mistake((*place, name), "expected what such a row costs, as 15; found costs of classes")
        if task == "binary" and min(self._prices) <= 0:
            wrong, right = ("false_positive", "true_negative") if self._prices[0] <= 0 else (OUTCOMES[2], OUTCOMES[0])
            one = "negative" if self._prices[1] <= 0 < self._prices[0] else "positive"
            text = f"to say {one} is never worse, whatever is likely, and no model is needed"
            if max(self._prices) <= 0:
                text = "and false_negative more than true_positive: as it is, no answer is worth anything"
                raise mistake(place, f"{wrong} has to cost more than {right}, {text}")
            raise mistake(place, f"{wrong} has to cost more than {right}: as it is, {text}")
        names = self.classes
        for said in names if task == "multiclass" else ():
            if all(self.cost(actual, said) <= self.cost(actual, other) for actual in names for other in names):
                text = f"to say {said!r} is never worse than any other, whatever is likely, and no model is needed"
                raise mistake(place, f"{text}: say what it costs where it is wrong, in the target's spelling")

    @property
    def _prices(self) -> tuple[float, float]:
        """What a wrong answer costs more than a right one: of negative rows, and of positive ones."""
        right, wrongly, missed, none = (self.cost(outcome) for outcome in OUTCOMES)
        return wrongly - none, missed - right


def _unknown(costs: Mapping[str, Cost], place: tuple[str, ...]) -> Iterator[PydanticCustomError]:
    """Yield the names that are no outcomes, as mistakes. place: of the costs, in what the validator looks at."""
    for name in costs:
        if name not in OUTCOMES:
            yield mistake((*place, name), f"{name!r} is no outcome of a binary task", name, OUTCOMES)
