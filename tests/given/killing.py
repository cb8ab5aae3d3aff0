"""Kill `ratchet` at a write that is counted, not at a moment that is guessed.

A server, `python -m tests.given.killing`, imports the libraries once and forks for each order. The fork counts what it
is about to write (files of the state, Git's objects and branch, children, requests to MLflow) and dies before the one
that was named; or it dies when a child of its own has just begun, which goes on; or one of its reads fails.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

ROOT = Path(__file__).resolve().parents[2]
How = Literal["write", "child", "read", "time"]
_WRITES = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, negative where a signal ended it, and how often it was about to write."""

    code: int
    events: int
    said: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Killer:
    """A server that listens."""

    def __init__(self, folder: Path) -> None:
        # Not this process's own path: MLflow puts the code of each model that it loads at its beginning.
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "include", ROOT / "plugins", ROOT))),
        }
        self._log = folder / "said"
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.kills = 0

    def run(self, *arguments: str, how: How = "write", at: float = 0) -> Ended:
        """Run `ratchet`. how, at: before which write, at which child, at which read, or after how many seconds."""
        assert self._process.stdin
        assert self._process.stdout
        order = {"arguments": arguments, "environment": dict(os.environ), "how": how, "at": at, "log": str(self._log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        ended = Ended(found["code"], found["events"], self._log.read_text(errors="replace"))
        self.kills += ended.killed
        return ended

    def step(self, name: str, loop: str, how: How = "write", at: float = 0, **request: str) -> Ended:
        """Run a step."""
        words = [word for field, value in request.items() for word in (f"--{field.replace('_', '-')}", value)]
        return self.run("step", name, "--loop", loop, *words, how=how, at=at)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=20)


@pytest.fixture(scope="session")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """One for all tests of a process."""
    found = Killer(tmp_path_factory.mktemp("killer"))
    yield found
    found.close()


def _serve() -> None:
    """Fork for each order, and say how the fork ended."""
    import gc
    import importlib

    from ratchet import catalog, fork_server

    steps = (f"ratchet.steps.{name}" for name in catalog.steps())
    for name in (*fork_server.LIBRARIES, "dvc_data.hashfile.db", "dvc.fs", "pygit2", "ratchet.cli", *steps):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(order, writing)
        os.close(writing)
        handle = os.pidfd_open(child)
        if order["how"] == "time" and not select.select([handle], [], [], order["at"])[0]:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(handle)
        with os.fdopen(reading) as pipe:
            events = pipe.read()
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "events": int(events or 0)}), flush=True)


def _work(order: dict[str, Any], pipe: int) -> None:
    """Become the command. Never returns."""
    code, counter = 1, _Counter(order["how"], order["at"])
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(order["environment"])
        counter.watch(os.environ["RATCHET_VAR"])
        from ratchet.cli import main

        main(list(order["arguments"]))
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(pipe, str(counter.events).encode())
        os._exit(code)


class _Counter:
    """Counts what a command is about to do, and ends it."""

    def __init__(self, how: How, at: float) -> None:
        self.how, self.at, self.events = how, at, 0

    def watch(self, var: str) -> None:
        """Look at every write below a folder, every child and request, and what libgit2 writes and reads."""
        from ratchet.adapters import git_objects
        from ratchet.adapters.git_objects import Objects

        def audit(event: str, given: tuple[Any, ...]) -> None:
            if (
                (event in _WRITES and str(given[0]).startswith(var))
                or (event == "open" and str(given[0]).startswith(var) and given[2] & _WRITING)
                or (event == "http.client.send" and given[1][:4] != b"GET ")
            ):
                self.tick("write")

        sys.addaudithook(audit)
        for name in ("write", "move"):
            self._before(Objects, name, "write")
        pygit2 = git_objects._pygit2()
        for name in ("get", "revparse_single", "descendant_of"):
            self._before(pygit2.Repository, name, "read")
        self._before(pygit2.Repository, "create_blob", "write")
        begin = subprocess.Popen.__init__

        def started(process: Any, *given: Any, **options: Any) -> None:
            self.tick("write")
            begin(process, *given, **options)
            self.tick("child")

        subprocess.Popen.__init__ = started  # type: ignore[method-assign]

    def tick(self, kind: str) -> None:
        """Count an event of the kind that is counted, and let it be the last where it is the one."""
        if kind != self.how:
            return
        self.events += 1
        if self.events != self.at:
            return
        if kind == "write":
            os.killpg(0, signal.SIGKILL)
        elif kind == "child":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    def _before(self, owner: Any, name: str, kind: str) -> None:
        called = getattr(owner, name)

        def counted(*given: Any, **options: Any) -> Any:
            self.tick(kind)
            return called(*given, **options)

        setattr(owner, name, counted)


if __name__ == "__main__":
    _serve()
