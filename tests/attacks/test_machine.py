"""What other users of the machine, and the processes themselves, can reach."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

import psutil
import pytest

from deploy.local import services
from deploy.local.environment import NOTES, Local
from ratchet import environment, fork_server, installation

SECRET = ("JWT", "SECRET", "FERNET", "AIRFLOW_CONN", "SQL_ALCHEMY")


def _processes(local: Local) -> dict[str, psutil.Process]:
    found = {name: services._process(local, name) for name in services.running(local)}
    return {name: process for name, process in found.items() if process}


def test_everything_listens_on_loopback_alone(local: Local) -> None:
    """Airflow's log server listened on 0.0.0.0:8793, whatever the README said."""
    listening = {}
    for name, process in _processes(local).items():
        for each in (process, *process.children(recursive=True)):
            for connection in each.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    listening[name, connection.laddr.port] = connection.laddr.ip
    assert {local.airflow_port, local.mlflow_port} <= {port for _, port in listening}
    assert set(listening.values()) <= {"127.0.0.1", "::1"}, listening


@pytest.mark.parametrize("name", ["fork-server", "mlflow"])
def test_what_needs_no_secret_of_airflows_was_given_none(local: Local, name: str) -> None:
    """A forked step's /proc/self/environ is its server's: an admin's token was forged from it."""
    process = _processes(local)[name]
    for each in (process, *process.children(recursive=True)):
        given = each.environ()
        assert not [key for key in given if key.startswith("AIRFLOW")], each
    secrets = [file.read_text() for file in installation.need(local.settings.var).secrets.values()]
    assert not [value for value in process.environ().values() if value in secrets]


def test_a_step_is_given_nothing_to_log_in_with(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in local.environment().items():  # as a worker has it
        monkeypatch.setenv(name, value)
    given = environment.of_step()
    assert not [key for key in given if any(word in key for word in SECRET)]
    words = [local.password(), local.password(NOTES)]
    assert not [value for value in given.values() if any(word in value for word in words)]


PRYING = """
from __future__ import annotations
import json, os
from pathlib import Path
from ratchet.api import Part


class Options(Part):
    pass


def fetch(options, asked):
    def read(path):
        try:
            return path.read_bytes().decode(errors="replace")
        except OSError:
            return ""

    own = Path("/proc/self")
    server = Path("/proc") / str(os.getppid())
    files = [read(each) for each in (own / "fd").iterdir() if each.is_file()]
    said = [*os.environ.items(), read(own / "environ"), read(own / "cmdline"), files, read(server / "environ")]
    (asked.folder / "seen.json").write_text(json.dumps(said))
    return {}
"""


def test_a_source_of_someones_own_is_given_no_login(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even that of the notes, which a step once held to write one."""
    monkeypatch.setenv("RATCHET_OF_NOBODY", "told to steps")
    for name, value in local.environment().items():  # as a worker has it
        monkeypatch.setenv(name, value)
    folder = local.settings.loops / "wind"
    contract, source = folder / "loop.yaml", folder / "sources" / "prying.py"
    before = contract.read_text()
    source.parent.mkdir(exist_ok=True)
    source.write_text(PRYING)
    text, _, rest = before.partition("source:\n")
    contract.write_text(f"{text}source: {{kind: prying}}\n{rest[rest.index(chr(10) + 'tables:') :]}")
    try:
        arguments = ["step", "fetch", "--loop", "wind", "--request", str(folder / "request.json")]
        (folder / "request.json").write_text('{"partitions": "2013-02-01"}')
        with (folder / "said.txt").open("w+") as said:
            code = fork_server.run(local.socket, arguments, environment.of_step(), said.fileno(), said.fileno())
            said.seek(0)
            assert code == 75, said.read()  # it delivered nothing
        seen = (folder / "seen.json").read_text()
    finally:
        contract.write_text(before)
        source.unlink()
    assert "told to steps" in seen
    assert not [word for word in SECRET if word in seen]
    secrets = [local.password(user) for user in ("admin", NOTES, "ada")]
    secrets += [file.read_text() for file in installation.need(local.settings.var).secrets.values()]
    assert not [each for each in secrets if each in seen]


def test_no_secret_stands_in_a_command_line(local: Local) -> None:
    secrets = [local.password(), local.password(NOTES)]
    secrets += [file.read_text() for file in installation.need(local.settings.var).secrets.values()]
    for process in _processes(local).values():
        for each in (process, *process.children(recursive=True)):
            assert not any(secret in " ".join(each.cmdline()) for secret in secrets)


def test_no_secret_stands_in_a_log(local: Local) -> None:
    secrets = [local.password(), local.password(NOTES)]
    for log in [*local.run.glob("*.log"), *(local.home / "logs").rglob("*.log")]:
        text = log.read_text(errors="replace")
        assert not any(secret in text for secret in secrets), log


STATE = [
    "airflow/passwords.json",
    "airflow/secret",
    "airflow/connection.json",
    "airflow/airflow.db",
    "mlflow/mlflow.db",
]
STATE += ["installation.json", "registry/.git/HEAD", "run/scheduler.log"]
OTHER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
try:
    if sys.argv[1].endswith(".sock"):
        socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    else:
        open(sys.argv[1]).read()
except OSError as error:
    sys.exit(7)
"""


@pytest.mark.parametrize("name", [*STATE, "run/fork.sock"])
def test_another_user_of_the_machine_reads_no_state(local: Local, name: str) -> None:
    path = local.socket if name.endswith(".sock") else local.settings.var / name
    assert path.exists()
    assert os.getuid() == 0, "only root can become another user: run it as root, as CI does"
    above = [each for each in local.settings.var.parents if each.stat().st_mode & 0o077 == 0]
    for each in above:  # pytest's own: that the folder of state is closed is what is tried, and not those above it
        each.chmod(0o711)
    assert stat.S_IMODE(local.settings.var.stat().st_mode) == 0o700
    try:
        assert subprocess.run([sys.executable, "-c", OTHER, str(path)], check=False).returncode == 7
        assert subprocess.run([sys.executable, "-c", OTHER, __file__], check=False).returncode == 0  # else none could
    finally:
        for each in above:
            each.chmod(0o700)


def test_the_fork_server_takes_no_word_of_a_stranger(local: Local) -> None:
    assert stat.S_IMODE(local.socket.stat().st_mode) == 0o600
    for content in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2[]", b"\xff" * 100):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(local.socket))
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(10) == b""
    assert "fork-server" in services.running(local)
