"""Where a step runs. One file a runtime: `run(step, loop, request, log) -> result`."""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from ratchet.contract.loop import Loop


class Log(Protocol):
    """What a runtime writes the step's output to."""

    def info(self, event: str, *args: Any) -> Any:
        """Write a line."""
        ...


class RuntimeModule(Protocol):
    """What the file of a runtime holds."""

    def run(self, step: str, loop: Loop, request: dict[str, Any], log: Log) -> dict[str, Any]:
        """Run a step to its end and give its result as plain JSON, or {"error": {type, message, retriable}}."""
        ...


def find(kind: str) -> RuntimeModule:
    """Import a runtime's file."""
    return cast("RuntimeModule", importlib.import_module(f"{__name__}.{kind}"))
