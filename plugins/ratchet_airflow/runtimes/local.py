"""Run a step beside the worker: by the fork server where one listens, else as a subprocess."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from ratchet import fork_server
from ratchet.contract.loop import Loop
from ratchet_airflow.runtimes import Log


def run(step: str, loop: Loop, request: dict[str, Any], log: Log) -> dict[str, Any]:
    """Run `ratchet step`, its output line by line in the task's log. A step that was killed counts as worth a retry."""
    with tempfile.TemporaryDirectory(prefix="ratchet-") as folder:
        result = Path(folder) / "result.json"
        fields = [
            word
            for name, value in request.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        arguments = ["step", step, "--loop", loop.name, "--result", str(result), *fields]
        log.info("ratchet %s", " ".join(arguments))
        code = _run(arguments, log)
        if result.exists():
            return dict(json.loads(result.read_text(encoding="utf-8")))
    ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code} and no result"
    message = (
        f"The step {step} of {loop.name} {ended}. "
        "Nothing half-done was published; a retry carries on. Its last words stand above"
    )
    return {"error": {"type": "StepKilled", "message": message, "retriable": True}}


def _run(arguments: list[str], log: Log) -> int:
    reading, writing = os.pipe()
    reader = threading.Thread(target=_copy, args=(reading, log))
    reader.start()
    try:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        # An Airflow worker's own settings are of no use to a step, and its database is none of a step's business.
        for name in [name for name in environment if name.startswith(("AIRFLOW__", "_AIRFLOW__"))]:
            del environment[name]
        server = os.environ.get("RATCHET_FORK_SERVER")
        code = fork_server.run(Path(server), arguments, environment, writing, writing) if server else None
        if code is None:
            code = subprocess.run(
                [sys.executable, "-m", "ratchet", *arguments],
                env=environment,
                stdout=writing,
                stderr=writing,
                check=False,
            ).returncode
        return code
    finally:
        os.close(writing)
        reader.join(timeout=10)


def _copy(descriptor: int, log: Log) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if text := line.rstrip():
                log.info("%s", text)
