"""Commands in forks of a fork server: a process that has imported everything costs a tenth of one that has yet to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ratchet import fork_server

ROOT = Path(__file__).resolve().parents[2]
_CLIENT = """
import os, pathlib, sys
from ratchet import fork_server
code = fork_server.run(pathlib.Path(sys.argv[1]), sys.argv[2:], dict(os.environ), 1, 2)
sys.exit(70 if code is None else code)
"""


@dataclass(frozen=True)
class Forks:
    """A fork server that listens."""

    path: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a client: killed, it takes the `ratchet` that it asked for with it."""
        return [sys.executable, "-c", _CLIENT, str(self.path), *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `ratchet` in a fork."""
        environment = {**os.environ, "PYTHONPATH": _path()}
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def kill(self, *arguments: str, after: float) -> None:
        """Start `ratchet` and kill it after so many seconds, unless it is done by then; return when it has ended."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()  # the fork held the other end of the pipe: at its end there is none

    def shim(self, folder: Path) -> Path:
        """Write a `ratchet` into a folder that runs in a fork."""
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / "ratchet"
        code = _CLIENT.replace("sys.argv[1]", repr(str(self.path))).replace("sys.argv[2:]", "sys.argv[1:]")
        script.write_text(f"#!{sys.executable}\n{code}")
        script.chmod(0o755)
        return script


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """One for all tests of a process."""
    path = tmp_path_factory.mktemp("forks") / "forks.sock"
    environment = {**os.environ, "PYTHONPATH": _path()}
    process = subprocess.Popen([sys.executable, "-m", fork_server.__name__, str(path)], env=environment)
    _await(path, process)
    yield Forks(path)
    process.terminate()
    process.wait(timeout=10)


def _path() -> str:
    """Return this process's path, the project first: MLflow puts the code of each model that it loads before it."""
    return os.pathsep.join([*(str(ROOT / name) for name in ("include", "plugins")), *sys.path])


def _await(path: Path, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None
        with socket.socket(socket.AF_UNIX) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                return
