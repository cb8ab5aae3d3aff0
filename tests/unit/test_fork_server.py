"""The fork server: the command in a fork that has imported already."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet import cli, fork_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    path = tmp_path / "warm.sock"
    code = (
        "import sys, pathlib; from ratchet import fork_server; fork_server.LIBRARIES = ('click',); "
        "fork_server.serve(pathlib.Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists():
        assert process.poll() is None
    with socket.socket(socket.AF_UNIX) as probe:
        while probe.connect_ex(str(path)):
            pass
    yield path, process
    process.terminate()
    process.wait(timeout=10)


def _warm(path: Path, output: Path, *arguments: str) -> int | None:
    with output.open("wb") as stream:
        return fork_server.run(path, list(arguments), dict(os.environ), stream.fileno(), stream.fileno())


def test_the_warm_server_runs_the_command(server: tuple[Path, subprocess.Popen[bytes]], place: Path) -> None:
    path, output = server[0], place / "output"
    assert path.stat().st_mode & 0o077 == 0
    assert _warm(path, output, "lint", "wind") == 0
    assert "In order" in output.read_text()
    assert _warm(path, output, "step", "fech", "--loop", "wind") == cli.FAILED
    assert "did you mean 'fetch'" in output.read_text()


def test_without_a_warm_server_there_is_no_answer(server: tuple[Path, subprocess.Popen[bytes]], tmp_path: Path) -> None:
    assert _warm(tmp_path / "nothing.sock", tmp_path / "output", "lint") is None
    path, process = server
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _warm(path, tmp_path / "output", "lint") is None
