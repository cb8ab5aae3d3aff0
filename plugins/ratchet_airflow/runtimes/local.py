"""Run a step beside the worker: by the fork server where one listens, else as a subprocess."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratchet import environment, fork_server
from ratchet.contract.loop import Loop
from ratchet.errors import memory
from ratchet_airflow import connections
from ratchet_airflow.runtimes import Log

_RETRY = 75  # the exit code of an error that a retry may help
_FAULTS = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)  # a process's own


def run(step: str, loop: Loop, request: dict[str, Any], log: Log) -> dict[str, Any]:
    """Run `ratchet step`, its output line by line in the task's log. A step that was killed counts as worth a retry.

    What it is asked for travels as a JSON document: nothing that a person wrote is a word of a command line.
    """
    killed_before = _killed_for_memory()
    with tempfile.TemporaryDirectory(prefix="ratchet-") as folder:
        asked, result = Path(folder) / "request.json", Path(folder) / "result.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        command = ["step", step, "--loop", loop.name, "--request", str(asked), "--result", str(result)]
        log.info("ratchet step %s --loop %s --request - <<< %s", step, loop.name, shlex.quote(json.dumps(request)))
        code = _run(command, log, connections.given(loop, log) if step == "fetch" else {})
        if result.exists():
            return dict(json.loads(result.read_text(encoding="utf-8")))
    return {"error": _ended(f"The step {step} of {loop.name}", code, _killed_for_memory() > killed_before)}


def _ended(who: str, code: int, for_memory: bool) -> dict[str, Any]:
    """Return the error that a step's end without a result is."""
    if code == -signal.SIGKILL and for_memory:
        message = f"{who} was killed by the kernel, which had no memory left. {memory()}"
        return {"type": "OutOfMemory", "message": message, "retriable": False}
    if code < 0:
        said = f"{who} was killed by {signal.Signals(-code).name}. Nothing half-done was published"
        if -code in _FAULTS:
            message = f"{said}; a library that it uses has failed, and would again. Its last words stand above"
            return {"type": "StepCrashed", "message": message, "retriable": False}
        return {"type": "StepKilled", "message": f"{said}; a retry carries on", "retriable": True}
    message = f"{who} ended with exit code {code} and left no result. Its last words stand above"
    return {"type": "StepCrashed", "message": message, "retriable": code == _RETRY}


def _killed_for_memory() -> int:
    """Return how many processes the kernel has killed for want of memory since it began."""
    try:
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines())
    except OSError:
        return 0
    return int(counts.get("oom_kill", 0))


def _run(arguments: list[str], log: Log, secrets: Mapping[str, str]) -> int:
    reading, writing = os.pipe()
    reader = threading.Thread(target=_copy, args=(reading, log))
    reader.start()
    try:
        given = {**environment.of_step(), **secrets}
        server = os.environ.get("RATCHET_FORK_SERVER")
        code = fork_server.run(Path(server), arguments, given, writing, writing) if server else None
        if code is None:
            code = subprocess.run(
                [sys.executable, "-m", "ratchet", *arguments],
                env=given,
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
