"""A fork server for steps: the heavy libraries are imported once, and each command runs in a fork that has them.

A step imports for 2 to 5 seconds before it works for one; a night is seven steps. `python -m ratchet.fork_server
SOCKET` imports the libraries (not Ratchet itself, so that changed code is read anew by every step) and listens. A
client sends the command with its own stdout and stderr, and reads the exit code. A client that goes away takes its step
with it, and so does the server. Where no server listens, a step is an ordinary subprocess: nothing but speed depends on
it.

What a client does, or leaves undone, harms no other: a request has one deadline, whatever the pace that it comes at.
What ends the server itself starts it again.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIBRARIES = (
    "pydantic",
    "click",
    "ruamel.yaml",
    "croniter",
    "httpx",
    "pygit2",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.csv",
    "duckdb",
    "scipy.stats",
    "torch",
    "sklearn.ensemble",
    "sklearn.calibration",
    "skops.io",
    "safetensors.torch",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.models",
    "great_expectations",
    "great_expectations.render.renderer.page_renderer",
    "great_expectations.render.view",
    "dvc.api",
    "dvc.fs.dvc",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "requests",
)
_LENGTH = struct.Struct("!I")
_LONGEST = 4 * 2**20  # bytes of a request
_PATIENCE = 10.0  # seconds within which all of a request has to be there
_PAUSE = 1.0  # seconds between the end of a server and the start of the next
_PR_SET_PDEATHSIG = 1
_GONE = -signal.SIGKILL  # the end of a step whose server ended with it


@dataclass(eq=False)
class _Asking:
    """A client whose request is not all there yet."""

    client: socket.socket
    deadline: float
    content: bytearray = field(default_factory=bytearray)
    files: list[int] = field(default_factory=list)


@dataclass(eq=False)
class _Step:
    """A step that runs."""

    client: socket.socket
    number: int  # of its process
    handle: int  # that tells its end


def supervise(path: Path) -> None:
    """Let a server listen, and another one where it has ended, until SIGTERM."""
    told, parent = {signal.SIGTERM, signal.SIGCHLD}, os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, told)  # they wait until they are asked for: none is lost at a fork
    ended = False
    while not ended:
        child = os.fork()
        if child == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, told)
            _die_with(parent)
            serve(path)
            os._exit(0)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if signal.sigwait(told) == signal.SIGTERM:
                ended = True
                os.kill(child, signal.SIGTERM)
        if not ended:
            print(f"the fork server {child} has ended; another is started", file=sys.stderr, flush=True)
            ended = signal.sigtimedwait({signal.SIGTERM}, _PAUSE) is not None


def serve(path: Path) -> None:
    """Listen on a socket that only this user can open, until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # the step that needs it says so
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.parent.stat().st_uid != os.getuid():
        sys.exit(f"{path.parent} belongs to another user. Remove it, or start from a folder with a shorter path")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as waiting:
        previous = os.umask(0o177)
        listener.bind(str(path))
        os.umask(previous)
        listener.listen(64)
        listener.setblocking(False)
        waiting.register(listener, selectors.EVENT_READ, listener)
        while True:
            for key, _ in waiting.select(_until_the_next(waiting)):
                now = waiting.get_map().get(key.fd)
                if now is None or now.data is not key.data:  # it ended in this same look
                    continue
                if key.fileobj is listener:
                    _meet(listener, waiting)
                elif isinstance(key.data, _Asking):
                    _hear(key.data, listener, waiting)
                else:
                    _look(key, waiting)
            for asking in _asking(waiting):
                if time.monotonic() > asking.deadline:
                    _leave(asking, waiting)


def run(path: Path, arguments: list[str], environment: dict[str, str], stdout: int, stderr: int) -> int | None:
    """Run `ratchet` with these arguments in the server at `path`; return the exit code.

    A negative code is the signal that ended it, as subprocess gives it, and the server's own end is one. None where no
    server listens: nothing has begun.
    """
    message = json.dumps({"arguments": arguments, "environment": environment, "folder": str(Path.cwd())}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return None
        try:
            socket.send_fds(client, [_LENGTH.pack(len(message))], [stdout, stderr])
            client.sendall(message)
            answer = client.recv(_LENGTH.size, socket.MSG_WAITALL)
        except OSError:
            return _GONE
    return int.from_bytes(answer, "big", signed=True) if len(answer) == _LENGTH.size else _GONE


def _asking(waiting: selectors.BaseSelector) -> list[_Asking]:
    return [key.data for key in waiting.get_map().values() if isinstance(key.data, _Asking)]


def _until_the_next(waiting: selectors.BaseSelector) -> float | None:
    deadlines = [asking.deadline for asking in _asking(waiting)]
    return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None


def _meet(listener: socket.socket, waiting: selectors.BaseSelector) -> None:
    try:
        client, _ = listener.accept()
    except OSError:  # it has gone again, or there is no descriptor left
        return
    client.setblocking(False)
    waiting.register(client, selectors.EVENT_READ, _Asking(client, time.monotonic() + _PATIENCE))


def _hear(asking: _Asking, listener: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Read what has come of a request; where it is all there, begin its step."""
    try:
        part, files, _, _ = socket.recv_fds(asking.client, 2**16, 4)
    except BlockingIOError:
        return
    except OSError:
        part, files = b"", []
    asking.files += files
    asking.content += part
    size = _LENGTH.unpack(asking.content[: _LENGTH.size])[0] if len(asking.content) >= _LENGTH.size else 0
    missing = len(asking.content) < _LENGTH.size + size
    if not part or size > _LONGEST or len(asking.files) > 2:
        _leave(asking, waiting)
    elif size and not missing:
        request = _request(bytes(asking.content[_LENGTH.size :]))
        if request is None or len(asking.files) != 2:
            _leave(asking, waiting)
        else:
            _begin(request, asking, listener, waiting)


def _request(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
        arguments, environment, folder = found["arguments"], found["environment"], found["folder"]
        texts = (*arguments, *environment, *environment.values(), folder)
        whole = isinstance(arguments, list) and all(isinstance(each, str) for each in texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if whole else None


def _leave(asking: _Asking, waiting: selectors.BaseSelector) -> None:
    waiting.unregister(asking.client)
    asking.client.close()
    for file in asking.files:
        os.close(file)


def _begin(request: dict[str, Any], asking: _Asking, listener: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Fork; wait for the child's end, or the client's, whichever comes first."""
    parent, client = os.getpid(), asking.client
    try:
        child = os.fork()
    except OSError:
        _leave(asking, waiting)
        return
    if child == 0:
        listener.close()
        for key in [*waiting.get_map().values()]:  # else another client's end would not be seen while this step runs
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            elif key.fd not in asking.files:
                os.close(key.fd)
        waiting.close()
        _work(request, asking.files, parent)
    for file in asking.files:
        os.close(file)
    step = _Step(client, child, os.pidfd_open(child))
    waiting.modify(client, selectors.EVENT_READ, step)
    waiting.register(step.handle, selectors.EVENT_READ, step)


def _look(key: selectors.SelectorKey, waiting: selectors.BaseSelector) -> None:
    """End a step whose client has gone; tell the end of one to its client."""
    step: _Step = key.data
    if key.fileobj is step.client:  # nothing is sent after the command
        waiting.unregister(step.client)
        step.client.close()
        for kill in (os.killpg, os.kill):  # it may not lead a group yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(step.number, signal.SIGKILL)
        return
    waiting.unregister(step.handle)
    os.close(step.handle)
    _, status = os.waitpid(step.number, 0)
    if step.client.fileno() >= 0:
        with contextlib.suppress(OSError):
            step.client.sendall(os.waitstatus_to_exitcode(status).to_bytes(_LENGTH.size, "big", signed=True))
        waiting.unregister(step.client)
        step.client.close()


def _die_with(parent: int) -> None:
    """Let this process end when its parent does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(request: dict[str, Any], files: list[int], parent: int) -> None:
    """Become the step: its output, folder and environment are the client's. Never returns."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        _die_with(parent)
        for descriptor, file in zip((1, 2), files, strict=True):
            os.dup2(file, descriptor)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for entry in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
            if entry and entry not in sys.path:
                sys.path.insert(0, entry)
        from ratchet.cli import main

        main(request["arguments"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 (a fork must never return into the server)
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
