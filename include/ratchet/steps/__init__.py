"""What is done: one verb a file. The only things that a runtime executes.

The file of the step `export` holds `ExportRequest`, `ExportResult` and `run(loop, request) -> result`. A step is found
by its file's name; nothing else lists it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ratchet import catalog
from ratchet.contract.reading import nearest
from ratchet.errors import RequestError

Outcome = Literal[
    "done",
    "unchanged",  # the same was done before
    "skipped",  # there is nothing to do
    "waiting",  # it is not its turn: another night comes first
    "refused",  # a person has to look: the task fails, and a retry would not help
]


class StepRequest(BaseModel):
    """What a step is asked for; small, frozen, plain JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StepResult(BaseModel):
    """What a step leaves; small, frozen, plain JSON."""

    model_config = ConfigDict(frozen=True)

    reason: str  # a sentence that a person can read
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
