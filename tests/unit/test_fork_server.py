"""The fork server: the command in a fork that has imported already."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ratchet import cli, fork_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    path = tmp_path / "warm.sock"
    code = (
        "import sys, pathlib; from ratchet import fork_server; fork_server.LIBRARIES = ('click',); "
        "fork_server._PATIENCE = 0.5; fork_server._PAUSE = 0.0; fork_server.supervise(pathlib.Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    while not path.exists():
        assert process.poll() is None
    _listens(path)
    yield path, process
    process.terminate()
    process.wait(timeout=10)


def _listens(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        while probe.connect_ex(str(path)):
            time.sleep(0.01)


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
    (child,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGKILL)
    process.wait()
    child.wait(timeout=10)
    assert _warm(path, tmp_path / "output", "lint") is None


def _descriptors(process: subprocess.Popen[bytes]) -> int:
    return _server(process).num_fds()


def _say(path: Path, content: bytes, files: int = 2) -> bytes:
    """Send the server something; return its answer."""
    with socket.socket(socket.AF_UNIX) as client, open(os.devnull, "wb") as null:  # noqa: PTH123
        client.connect(str(path))
        with contextlib.suppress(OSError):
            if content:
                socket.send_fds(client, [content], [null.fileno()] * files)
            else:
                client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            return client.recv(100)
        return b""


def _framed(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "big") + text.encode()


NO_REQUESTS = [
    b"",
    b"\0",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    _framed("[" * 100_000),
    _framed("{}"),
    _framed("[]"),
    _framed('{"arguments": "lint", "environment": {}, "folder": "/"}'),
    _framed('{"arguments": [1], "environment": {}, "folder": "/"}'),
    _framed('{"arguments": [], "environment": [], "folder": "/"}'),
    _framed('{"arguments": [], "environment": {}, "folder": null}'),
    (3).to_bytes(4, "big") + b"\xed\xa0\x80",
]


@pytest.mark.parametrize("files", [1, 2, 4])
def test_what_is_no_request_is_let_go_and_leaves_nothing(
    server: tuple[Path, subprocess.Popen[bytes]], files: int
) -> None:
    path, process = server
    assert _say(path, b"[]") == b""
    before = _descriptors(process)
    with ThreadPoolExecutor(len(NO_REQUESTS)) as pool:  # those that are never whole are let go when their time is up
        assert {*pool.map(lambda content: _say(path, content, files), NO_REQUESTS * 2)} == {b""}
    assert _warm(path, path.with_name("output"), "--version") == 0
    while _descriptors(process) > before:  # what was left would stay
        time.sleep(0.01)


def test_a_silent_client_and_a_slow_one_keep_nobody_waiting_and_are_let_go(
    server: tuple[Path, subprocess.Popen[bytes]],
) -> None:
    path, process = server
    before = _descriptors(process)
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as slow:
        for each in (silent, slow):
            each.settimeout(10)
            each.connect(str(path))
        begun = time.monotonic()
        assert _warm(path, path.with_name("output"), "--version") == 0
        with contextlib.suppress(OSError):
            while True:  # always a byte more within the deadline
                slow.send(b"\0")
                time.sleep(0.05)
        assert time.monotonic() - begun < 5
        assert silent.recv(1) == b""
    while _descriptors(process) > before:  # what was left would stay
        time.sleep(0.01)


@dataclass
class Slow:
    """A step that waits for what it is asked for, in a pipe."""

    process: psutil.Process
    client: socket.socket

    def answer(self) -> int:
        self.client.settimeout(20)
        found = self.client.recv(4, socket.MSG_WAITALL)
        return int.from_bytes(found, "big", signed=True) if found else 0


def _server(process: subprocess.Popen[bytes]) -> psutil.Process:
    (child,) = psutil.Process(process.pid).children()
    return child


def _becomes(process: psutil.Process, status: str) -> None:
    while process.status() != status:
        time.sleep(0.01)


def _slow(path: Path, process: subprocess.Popen[bytes], place: Path) -> Slow:
    pipe = place / "pipe"
    os.mkfifo(pipe)
    arguments = ["step", "fetch", "--loop", "wind", "--request", str(pipe)]
    asked = {"arguments": arguments, "environment": dict(os.environ), "folder": "/"}
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    with open(os.devnull, "wb") as null:  # noqa: PTH123
        socket.send_fds(client, [_framed(json.dumps(asked))], [null.fileno()] * 2)
    while not _server(process).children():
        time.sleep(0.01)
    return Slow(*_server(process).children(), client)


def test_a_step_ends_with_its_client(server: tuple[Path, subprocess.Popen[bytes]], place: Path) -> None:
    path, process = server
    one = _slow(path, process, place)
    one.client.close()
    one.process.wait(timeout=10)
    assert _warm(path, place / "output", "--version") == 0


def test_a_step_and_its_client_may_end_in_one_look(server: tuple[Path, subprocess.Popen[bytes]], place: Path) -> None:
    """The server died of it, and every step that ran with it."""
    path, process = server
    before, one = _server(process), _slow(path, process, place)
    before.suspend()
    _becomes(before, psutil.STATUS_STOPPED)
    one.process.kill()
    _becomes(one.process, psutil.STATUS_ZOMBIE)
    one.client.close()
    before.resume()
    assert _warm(path, place / "output", "--version") == 0
    assert _server(process) == before


def test_a_server_that_ends_takes_its_steps_along_and_another_takes_its_place(
    server: tuple[Path, subprocess.Popen[bytes]], place: Path
) -> None:
    path, process = server
    before, one = _server(process), _slow(path, process, place)
    before.kill()
    one.process.wait(timeout=10)
    assert one.answer() == 0
    while True:
        with contextlib.suppress(ValueError):
            if _server(process) != before:
                break
        time.sleep(0.01)
    _listens(path)
    assert _warm(path, place / "output", "--version") == 0


@pytest.mark.parametrize("start", [1, 2])
def test_a_server_that_is_told_to_end_while_one_starts_ends(tmp_path: Path, start: int) -> None:
    """The signal went to a server that had ended, or to every process of the group, and was lost."""
    path = tmp_path / "warm.sock"
    code = f"""import os, pathlib, signal, sys
from ratchet import fork_server
fork, starts = os.fork, []
def fork_when_told_to_end():
    starts.append(fork_server)
    if len(starts) == {start}:
        os.kill(os.getpid(), signal.SIGTERM)
    return fork()
os.fork, fork_server.LIBRARIES, fork_server._PAUSE = fork_when_told_to_end, ("click",), 0.0
fork_server.supervise(pathlib.Path(sys.argv[1]))
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], start_new_session=True)
    try:
        if start == 2:
            while not path.exists():
                assert process.poll() is None
            _server(process).kill()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


def test_a_step_whose_server_ended_was_killed_and_is_not_begun_anew(
    server: tuple[Path, subprocess.Popen[bytes]], place: Path
) -> None:
    """Who stopped the services in mid-step had it begun again beside the worker."""
    path, process = server
    ended: list[int | None] = []
    os.mkfifo(place / "pipe")
    words = ("step", "fetch", "--loop", "wind", "--request", str(place / "pipe"))
    thread = threading.Thread(target=lambda: ended.append(_warm(path, place / "output", *words)))
    thread.start()
    while not _server(process).children():
        time.sleep(0.01)
    _server(process).kill()
    thread.join(timeout=20)
    assert ended == [-signal.SIGKILL]
