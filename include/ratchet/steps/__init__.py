"""What is done: one verb a file. The only things that a runtime executes.

The file of the step `export` holds `ExportRequest`, `ExportResult` and `run(loop, request) -> result`. A step is found
by its file's name; nothing else lists it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ratchet import catalog
from ratchet.contract.reading import nearest
from ratchet.contract.runtime import KEY
from ratchet.errors import RequestError, expected
from ratchet.text import one_line

Outcome = Literal[
    "done",
    "unchanged",  # the same was done before
    "skipped",  # there is nothing to do
    "waiting",  # it is not its turn: another night comes first
    "refused",  # a person has to look: the task fails, and a retry would not help
]


# What a request is made of, beside days (`ratchet.partitions`). A title says the type in words, for help.
# Of a training or a delivery.
Key = Annotated[str, StringConstraints(pattern=KEY), Field(title="a key, of letters, digits and _.~:+@=-")]
# Of the data registry.
Revision = Annotated[
    str,
    StringConstraints(pattern=r"^(HEAD|main)(~[0-9]{1,4})?$|^[0-9a-f]{7,40}$"),
    Field(title="a commit's hash, or HEAD~1"),
]
MlflowRun = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), Field(title="the id of an MLflow run")]
# A person's words, in one line, and their login, as Airflow knows them.
Reason = Annotated[str, AfterValidator(lambda text: one_line(text, 1000)), Field(title="words")]
Login = Annotated[str, AfterValidator(lambda text: one_line(text, 200)), Field(title="a login")]
Words = Annotated[str, StringConstraints(max_length=10_000), Field(title="words")]  # that a step parses further


class StepRequest(BaseModel):
    """What a step is asked for; small, frozen, plain JSON. A text that is empty is none given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values


class StepResult(BaseModel):
    """What a step leaves; small, frozen, plain JSON."""

    model_config = ConfigDict(frozen=True)

    reason: Annotated[str, AfterValidator(one_line)]  # a sentence that a person can read, of whatever was delivered
    outcome: Outcome = "done"


@dataclass(frozen=True)
class Step:
    """A step, found by its name."""

    name: str
    request: type[StepRequest]
    run: Callable[..., StepResult]  # (loop, request); raises RatchetError


def names() -> list[str]:
    """List the steps."""
    return catalog.steps()


def find(name: str) -> Step:
    """Import a step's file. Raises RequestError where there is no such step."""
    if name not in names():
        raise RequestError(f"There is no step {name!r}; {nearest(name, names())}")
    module: Any = importlib.import_module(f"{__name__}.{name}")
    return Step(name, getattr(module, f"{name.title().replace('_', '')}Request"), module.run)


def about(name: str) -> str:
    """Return what a step does: the first sentence of its file, without the step's own name. Raises as `find`."""
    first = " ".join((importlib.import_module(find(name).run.__module__).__doc__ or "").split("\n\n")[0].split())
    said = first.removeprefix(f"{name.capitalize().replace('_', ' ')}: ").partition(". ")[0].removesuffix(".")
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def ask(name: str, values: Any) -> Any:
    """Parse what a step is asked for: the one door of every request. Raises RequestError naming what does not fit."""
    model = find(name).request
    if not isinstance(values, dict):
        raise RequestError(f"The step {name} is asked by a JSON object, not by {type(values).__name__}")
    if unknown := [key for key in values if key not in model.model_fields]:
        raise RequestError(
            f"The step {name} takes no {unknown[0]!r}; {nearest(str(unknown[0]), [*model.model_fields])}"
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        item = error.errors()[0]
        said = str(item["ctx"]["error"]) if item["type"] == "value_error" else expected(item)
        field = ".".join(map(str, item["loc"]))
        found = ""
        if item["type"] == "missing":
            found = f"; from a shell, say --{field.replace('_', '-')}"
        elif field in values and item["type"] != "value_error":
            found = f"; found {one_line(repr(item['input']), 200)}"
        raise RequestError(f"The step {name}: {field}: {said[0].lower()}{said[1:]}{found}") from None
