"""What `ratchet doctor` says of services: a cause once, and what to do.

Airflow is a fake of its REST API, and each service the process of the test itself.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.local.environment import Local
from ratchet import environment, installation
from ratchet.cli.health import services
from ratchet.cli.health.finding import Finding
from tests.unit.cli.conftest import FakeAirflow

SERVICES = ("api-server", "scheduler", "mlflow", "fork-server", "keeper")
TRACE = """Traceback (most recent call last):
  File "/dags/wind.py", line 3, in <module>
    loop("wind")
KeyError: 'first'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/dags/wind.py", line 3, in <module>
ratchet.errors.ContractError: loop.yaml:3: unknown key 'taks'; did you mean 'task'?
loop.yaml:9: another
"""


def _runs(place: Path, *names: str) -> None:
    """Let services run: this process stands for each."""
    about = {"pid": os.getpid(), "created": psutil.Process().create_time()}
    for name in names:
        file = installation.pid_file(place / "var", name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(about))


def _wrong(*found: Finding) -> list[tuple[str, str, str]]:
    return [(each.what, each.said, each.next) for each in found if each.next]


@pytest.fixture
def fork_server(airflow: FakeAirflow) -> socket.socket:
    """Something that listens where the fork server would."""
    path = Local.current().socket
    path.parent.mkdir(parents=True, exist_ok=True)
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    found.listen()
    return found


def test_what_does_not_run_at_all_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Local.current().describe()
    assert _wrong(*services.services(), *services.upkeep()) == [("services", "nothing is running", "make up")]


def test_an_mlflow_of_ones_own_is_looked_at_all_the_same(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    Local.current().describe()
    Local.current().run.mkdir()
    path = installation.path(place / "var")
    path.write_text(path.read_text().replace("127.0.0.1:9", "127.0.0.1:8"))
    assert [what for what, _, _ in _wrong(*services.services())] == ["services", "mlflow"]


@pytest.mark.parametrize("text", ["{", "", '{"var": 1}'])
def test_a_description_that_cannot_be_read_is_told_as_such(place: Path, text: str) -> None:
    installation.path(place / "var").write_text(text)
    [(what, said, then)] = _wrong(*services.services())
    assert (what, "installation.json cannot be read (" in said) == ("services", True)
    assert then.startswith("make down, make up")
    assert "RATCHET_AIRFLOW_USERS" in then


def test_all_that_answers_is_in_order(
    place: Path, airflow: FakeAirflow, fork_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    _runs(place, *SERVICES)
    monkeypatch.setattr(services, "_mlflow", lambda url: Finding("mlflow", url))
    assert _wrong(*services.services()) == []
    fork_server.close()
    assert _wrong(*services.services()) == [("fork server", "does not answer", "make down, make up")]


def test_each_dag_file_that_airflow_cannot_import_is_named_with_its_error(
    place: Path, airflow: FakeAirflow, fork_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    _runs(place, *SERVICES)
    monkeypatch.setattr(services, "_mlflow", lambda url: Finding("mlflow", url))
    airflow.errors = [
        {"filename": "wind.py", "stack_trace": TRACE},
        {"filename": "tide.py", "stack_trace": "SyntaxError: it is broken"},
    ]
    wind, tide = _wrong(*services.services())
    assert wind[:2] == (
        "DAG file",
        "wind.py cannot be imported: ratchet.errors.ContractError: loop.yaml:3: unknown key 'taks'; "
        "did you mean 'task'?",
    )
    assert tide[1] == "tide.py cannot be imported: SyntaxError: it is broken"


def test_a_keeper_that_was_killed_is_told(place: Path) -> None:
    Local.current().describe()
    _runs(place, *SERVICES[:-1])
    killed = subprocess.Popen([sys.executable, "-c", ""])
    about = {"pid": killed.pid, "created": psutil.Process(killed.pid).create_time()}
    installation.pid_file(place / "var", "keeper").write_text(json.dumps(about))
    killed.wait()
    kept = {"at": time.time(), "done": {}}
    (place / "var" / "run" / "keeper.json").write_text(json.dumps(kept))
    [(what, said, then)] = _wrong(*services.upkeep())
    assert (what, then) == ("upkeep", "make up")
    assert "the keeper does not run" in said


def test_a_keeper_that_runs_and_does_nothing_is_told(place: Path) -> None:
    Local.current().describe()
    _runs(place, *SERVICES)
    kept = {"at": time.time() - 3 * 86400, "done": {}}
    (place / "var" / "run" / "keeper.json").write_text(json.dumps(kept))
    [(_, said, then)] = _wrong(*services.upkeep())
    assert "the keeper ran last at" in said
    assert then == "make down, make up"


def test_who_may_answer_and_cannot_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = place / "loops" / "wind" / "loop.yaml"
    named = f"approval: [ada, grace, mary, admin, {environment.user()}]"
    contract.write_text(contract.read_text().replace("gate:\n", f"gate:\n  {named}\n"))
    (place / "loops" / "flight_delays" / "loop.yaml").write_text("{")
    assert [*services.approvals()] == []  # nothing is described
    monkeypatch.setenv("RATCHET_AIRFLOW_USERS", "mary:op,grace:viewer")
    Local.current().describe()
    found = _wrong(*services.approvals())
    assert [(what, said) for what, said, _ in found] == [
        ("wind", "gate.approval names ada, who has no login here and cannot answer"),
        ("wind", "gate.approval names grace, who is a viewer here and cannot answer"),
    ]
    then = f"make down, RATCHET_AIRFLOW_USERS=mary:op,grace:user,ada:user make up; or mend gate.approval in {contract}"
    assert {each[2] for each in found} == {then}
