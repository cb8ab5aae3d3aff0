"""What is done: one verb a file, each `run(loop, request) -> result`. The only things that a runtime executes."""

from __future__ import annotations

import importlib
from typing import Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict

from ratchet.catalog import STEPS
from ratchet.contract.loop import Loop
from ratchet.errors import RequestError

Outcome = Literal["done", "unchanged", "skipped", "refused"]


class Request(BaseModel):
    """What a step is asked for; small, frozen, plain JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(BaseModel):
    """What a step leaves; small, frozen, plain JSON.

    reason: a sentence a person can read. outcome: done; unchanged, where the same was done before; skipped, where there
    is nothing to do; refused, where a person has to look: the task fails, and a retry would not help.
    """

    model_config = ConfigDict(frozen=True)

    reason: str
    outcome: Outcome = "done"


class StepModule(Protocol):
    """What the file of a step holds."""

    Request: type[BaseModel]

    def run(self, loop: Loop, request: Any) -> Result:
        """Do it. Raises RatchetError."""
        ...


def find(name: str) -> StepModule:
    """Import a step's file. Raises RequestError where there is no such step."""
    from ratchet.contract.reading import nearest

    if name not in STEPS:
        raise RequestError(f"There is no step {name!r}; {nearest(name, STEPS)}")
    return cast("StepModule", importlib.import_module(f"{__name__}.{name}"))
