"""`ratchet airflow`: every argument passed on, the installation's environment and no other Airflow's, its exit code.

The program is a fake of three lines that says what it was given: tests/slow/test_commands.py runs the real one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from deploy.local.environment import Local
from ratchet import cli, installation
from ratchet.settings import Settings

SAYS = """#!{python}
import json, os, signal, sys
if "--killed" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps([sys.argv[1:], dict(os.environ)]))
sys.exit(int(os.environ.get("RATCHET_TEST_CODE", "0")))
"""


@pytest.fixture
def described(place: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    """An installation that was described, and an `airflow` beside a Python."""
    program = place / "bin" / "airflow"
    program.parent.mkdir()
    program.write_text(SAYS.format(python=sys.executable))
    program.chmod(0o755)
    (place / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python"))
    local = Local.current()
    local.describe()
    return local


def _airflow(*arguments: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["airflow", *arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("version",),
        ("--help",),
        ("-h",),
        ("dags", "list", "--output", "json"),
        ("dags", "trigger", "x.ingest", "--conf", '{"partitions": "2013-01-01"}'),
        ("tasks", "test", "--", "-x", "--", ""),
    ],
)
def test_arguments_are_passed_on_untouched(
    described: Local, arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _airflow(*arguments, capfd=capfd)
    assert code == 0
    assert json.loads(out)[0] == list(arguments)


def test_the_environment_is_the_installations(
    described: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Another Airflow's variables do not reach it; what else is a loop's own does."""
    for name in ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"):
        monkeypatch.setenv(name, "/another")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://another")
    monkeypatch.setenv("RATCHET_SOURCE_COLOUR", "blue")
    found = json.loads(_airflow("version", capfd=capfd)[1])[1]
    wanted = installation.need(Settings.current().var).command_environment()
    wanted["PYTHONWARNINGS"] = "ignore"  # Airflow prints what Python warns of on standard output
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["AIRFLOW_HOME"] == str(described.home)
    assert found["AIRFLOW__API__SECRET_KEY"]
    assert found["RATCHET_SOURCE_COLOUR"] == "blue"
    assert found["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert "/another" not in found.values()


def test_its_exit_code_is_airflows(
    described: Local, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATCHET_TEST_CODE", "7")
    assert _airflow("dags", "list", capfd=capfd)[0] == 7
    assert _airflow("--killed", capfd=capfd)[0] == 128 + 9


def test_without_an_installation_it_says_what_to_do(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = _airflow("version", capfd=capfd)
    assert code == cli.FAILED
    assert err.count("\n") == 1
    assert "Start it: make up" in err


def test_without_airflow_it_says_what_to_do(described: Local, capfd: pytest.CaptureFixture[str]) -> None:
    (Path(sys.executable).parent / "airflow").unlink()
    code, _, err = _airflow("version", capfd=capfd)
    assert code == cli.FAILED
    assert "Run: make install" in err
