"""A fork server for steps: the heavy libraries are imported once, and each command runs in a fork that has them.

A step imports for 2 to 5 seconds before it works for one; a night is seven steps. `python -m ratchet.fork_server
SOCKET` imports the libraries (not Ratchet itself, so that changed code is read anew by every step) and listens. A
client sends the command with its own stdout and stderr, and reads the exit code. A client that goes away takes its step
with it, and so does the server. Where no server listens, a step is an ordinary subprocess: nothing but speed depends on
it.
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
from pathlib import Path

LIBRARIES = (
    "pydantic",
    "click",
    "ruamel.yaml",
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
    "evidently",
    "evidently.metrics",
    "dvc.api",
    "dvc.fs.dvc",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "requests",
)
_LENGTH = struct.Struct("!I")
_PR_SET_PDEATHSIG = 1


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
        waiting.register(listener, selectors.EVENT_READ, None)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is listener:
                    _accept(listener, waiting)
                else:
                    _end(key, waiting)


def run(path: Path, arguments: list[str], environment: dict[str, str], stdout: int, stderr: int) -> int | None:
    """Run `ratchet` with these arguments in the server at `path`; return the exit code.

    A negative code is the signal that ended it, as subprocess gives it. None where no server answers, or it ended
    half-way.
    """
    message = json.dumps({"arguments": arguments, "environment": environment, "folder": str(Path.cwd())}).encode()
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
            socket.send_fds(client, [_LENGTH.pack(len(message))], [stdout, stderr])
            client.sendall(message)
            answer = client.recv(_LENGTH.size, socket.MSG_WAITALL)
        except OSError:
            return None
    return int.from_bytes(answer, "big", signed=True) if len(answer) == _LENGTH.size else None


def _accept(listener: socket.socket, waiting: selectors.BaseSelector) -> None:
    """Take a command and fork; wait for the child's end, or the client's, whichever comes first."""
    client, _ = listener.accept()
    client.settimeout(10)
    try:
        header, files, _, _ = socket.recv_fds(client, _LENGTH.size, 2)
        size = _LENGTH.unpack(header)[0]
        content = b""
        while len(content) < size and (part := client.recv(size - len(content))):
            content += part
        request = json.loads(content)
    except (OSError, ValueError, struct.error):
        client.close()
        return
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        listener.close()
        waiting.close()
        client.close()
        _work(request, files, parent)
    for file in files:
        os.close(file)
    handle = os.pidfd_open(child)
    waiting.register(handle, selectors.EVENT_READ, (child, handle, client))
    waiting.register(client, selectors.EVENT_READ, (child, handle, client))


def _end(key: selectors.SelectorKey, waiting: selectors.BaseSelector) -> None:
    child, handle, client = key.data
    if key.fileobj is client:  # nothing is sent after the command: the client has gone
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        client.sendall(os.waitstatus_to_exitcode(status).to_bytes(_LENGTH.size, "big", signed=True))
    for registered in (handle, client):
        with contextlib.suppress(KeyError):
            waiting.unregister(registered)
    client.close()
    os.close(handle)


def _work(request: dict[str, object], files: list[int], parent: int) -> None:
    """Become the step: its output, folder and environment are the client's. Never returns."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        for descriptor, file in zip((1, 2), files, strict=True):
            os.dup2(file, descriptor)
        os.chdir(str(request["folder"]))
        os.environ.clear()
        os.environ.update(dict(request["environment"]))  # type: ignore[call-overload]
        for entry in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
            if entry and entry not in sys.path:
                sys.path.insert(0, entry)
        from ratchet.cli import main

        main(list(request["arguments"]))  # type: ignore[call-overload]
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
    serve(Path(sys.argv[1]))
