"""Every command in a code block of README.md and docs/ runs as it is printed, or a table says which other test runs it.

One installation of the file's own is started by what `make up` runs, on ports that are named for that one start: all
later commands get no address at all, and find it by its description. They run in the order of the pages, each in a
fork of the installation's fork server.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ratchet import cli, fork_server, installation
from ratchet.adapters import airflow_api
from tests.conftest import ROOT, free_port

pytestmark = pytest.mark.timeout(1200)  # the first test that asks for it pays for the installation

BIN = Path(sys.executable).parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HISTORY = "2013-01-01..2013-01-11"
NIGHTS = ("2013-01-12", "2013-02-12")  # the second has a row in quarantine, as README says

# Command -> (the test that runs it, why it is not run here). The test's name is looked up: it has to exist.
ELSEWHERE = {
    "make run": ("tests/end_to_end/test_nights.py::test_the_story_closes_the_loop", "it is eight minutes long"),
    "make test": ("tests/slow/test_commands.py::test_a_make_target_calls_what_is_tested", "it is this and all others"),
    "make up": ("tests/slow/test_commands.py::test_the_installation_is_started_twice_and_ended_twice", "with ports"),
    "make down": ("tests/slow/test_commands.py::test_the_installation_is_started_twice_and_ended_twice", "with ports"),
    "dvc repro": (
        "tests/integration/test_whole.py::test_dvc_repro_trains_without_airflow",
        "it wants a Git repository of its own",
    ),
    "ratchet step export --loop flight_delays --partition 2013-01-31": (
        "tests/airflow/test_operators.py::test_the_page_about_adding_an_operator_runs_as_it_stands",
        "the step exists where the page was followed",
    ),
}
# Command -> what it says where there is nothing for it to do, as here. Other tests show its effect.
REFUSED = {
    'ratchet rollback flight_delays --reason "complaints from Newark"': "there is none before it to restore",
    "ratchet registry restore": "There is a data registry in",
}
# What is asked for less of here: words of a command -> words in their place.
SHORTER = {
    "--from 2013-03-01 --to 2013-12-31": "--from 2013-01-12 --to 2013-01-12",
    "ratchet replay flight_delays --policy": "ratchet replay flight_delays --from 2013-01-12 --to 2013-01-12 --policy",
}
# Make's targets that the pages name: what the recipe says, which a test runs.
TARGETS = {
    "run": "python -m deploy.local run",
    "up": "python -m deploy.local up",
    "down": "python -m deploy.local down",
    "test": "pytest",
}


def commands(page: Path) -> list[str]:
    """Return the commands of a page: the lines of its code blocks without a language, comments cut off."""
    found = []
    for language, block in re.findall(r"^```([^\n]*)\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        if language.strip() in ("", "sh", "bash", "shell", "console"):
            lines = [re.sub(r"(^|\s)#\s.*", "", line).strip() for line in block.replace("\\\n", " ").splitlines()]
            found += [line.removeprefix(".venv/bin/") for line in lines if line]
    return found


ALL = list(dict.fromkeys(command for page in PAGES for command in commands(page)))
HERE = [command for command in ALL if command not in ELSEWHERE]


@dataclass(frozen=True)
class Place:
    """A project with an installation. project: its folder. environment: of a shell that was told no address."""

    project: Path
    environment: dict[str, str]

    @property
    def var(self) -> Path:
        return self.project / "var"

    def local(self, verb: str, **ports: str) -> str:
        """Run what `make up` and `make down` run."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local", verb],
            cwd=self.project,
            env={**self.environment, **ports},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ratchet(self, *arguments: str) -> tuple[int | None, str]:
        """Run `ratchet` in a fork of the installation's fork server; return exit code and output."""
        found, output = installation.need(self.var), self.project / "output"
        before = Path.cwd()
        os.chdir(self.project)
        try:
            with output.open("wb") as file:
                code = fork_server.run(
                    found.fork_server, list(arguments), self.environment, file.fileno(), file.fileno()
                )
        finally:
            os.chdir(before)
        return code, output.read_text()

    def shell(self, command: str) -> tuple[int, str]:
        """Run a command of another program; return exit code and output."""
        done = subprocess.run(
            command, shell=True, cwd=self.project, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A project, its installation, eleven days of flights, and a champion."""
    project = tmp_path_factory.mktemp("p")
    for name in ("include", "dags", "great_expectations"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("plugins", "deploy"):
        (project / name).symlink_to(ROOT / name)
    contract = project / "include" / "loops" / "flight_delays" / "loop.yaml"
    text = contract.read_text().replace("max_iter: 300", "max_iter: 20").replace("holdout_days: 7", "holdout_days: 4")
    text = text.replace("  aim: non_inferior", "  level: 0.2\n  aim: non_inferior")  # four days alone prove little
    # So few days pass no floor: here it is the commands that are tried, not the gate.
    contract.write_text(re.sub(r"  floors:.*?(?=\nmonitor:)", "  refit_distance: 2", text, flags=re.DOTALL))
    _sales(project / "data" / "sales.csv")
    _sales(project / "data" / "returns" / "returns.csv")
    told = ("MLFLOW_", "AIRFLOW_", "RATCHET_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(told)} | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{project}/include:{project}/plugins:{project}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    place = Place(project, environment)
    ports = {"RATCHET_AIRFLOW_PORT": str(free_port()), "RATCHET_MLFLOW_PORT": str(free_port())}
    try:
        place.local("up", **ports)
        for days in (HISTORY, *NIGHTS):
            for name in ("fetch", "validate", "publish"):
                code, said = place.ratchet("step", name, "--loop", "flight_delays", "--partitions", days)
                assert code == 0, said
            if days == HISTORY:
                for name in ("snapshot", "train", "evaluate", "gate", "refit", "promote"):
                    code, said = place.ratchet("step", name, "--loop", "flight_delays", "--run", "first")
                    assert code == 0, said
        assert place.ratchet("champion", "flight_delays")[1].startswith("v")
        yield place
    finally:
        place.local("down")


def _sales(file: Path) -> None:
    """Two months of sales, of four shops an hour: what README's own loop is laid out from."""
    draw = random.Random(1)
    rows = [
        f"2026-{month:02}-{day:02} {hour:02}:00:00,shop{shop},{draw.choice('abc')},{20 + shop * hour + draw.random()}"
        for month, last in ((1, 31), (2, 3))
        for day in range(1, last + 1)
        for hour in range(9, 18)
        for shop in range(4)
    ]
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(["sold_at,shop,article,amount", *rows, ""]))


def test_every_command_is_run_or_said_to_be_run_elsewhere() -> None:
    """A new command runs here, for all that are not in the table do; the table names no command or test of the past."""
    assert len(ALL) > 25
    assert set(ELSEWHERE) <= set(ALL)
    assert set(REFUSED) <= set(HERE)
    for command, (test, why) in ELSEWHERE.items():
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), flags=re.MULTILINE), command
        assert why
    for words in SHORTER:
        assert any(words in command for command in HERE), words
    programs = {shlex.split(command)[0] for command in HERE}
    assert programs == {"ratchet", "git", "dvc"}, "run it here, or say in ELSEWHERE which test does"


@pytest.mark.parametrize("target", TARGETS)
def test_a_make_target_calls_what_is_tested(target: str) -> None:
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert TARGETS[target] in said


def test_every_make_target_of_the_pages_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)`", page.read_text())}
    named |= {command.split()[1] for command in ALL if command.startswith("make ")}
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"run", "up", "down"} <= named <= there


def test_every_verb_of_the_pages_exists() -> None:
    named = {
        verb for page in PAGES for verb in re.findall(r"`(?:\.venv/bin/)?ratchet ([a-z]+)[^`]*`", page.read_text())
    }
    assert named <= set(cli.COMMANDS)


def test_the_link_to_each_page_leads_somewhere() -> None:
    for page in PAGES:
        for address in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert address.startswith("http") or (page.parent / address).exists(), (page.name, address)


@pytest.mark.parametrize("command", HERE)
def test_a_command_runs_as_it_is_printed(place: Place, command: str) -> None:
    refused = REFUSED.get(command)
    for words, fewer in SHORTER.items():
        command = command.replace(words, fewer)
    program, *arguments = shlex.split(command)
    code, said = place.ratchet(*arguments) if program == "ratchet" else place.shell(command)
    if refused:
        assert (code, refused in said) == (cli.FAILED, True), f"{command}\n{said}"
        return
    assert code == 0, f"{command}\n{said}"
    if arguments[:3] in (["airflow", "dags", "trigger"], ["airflow", "backfill", "create"]):
        _all_end_well(place, next(word for word in arguments if "." in word))


def _all_end_well(place: Place, dag_id: str) -> None:
    """Wait until a DAG has runs, and all of them succeeded."""
    found, deadline = installation.need(place.var), time.monotonic() + 300
    with airflow_api.connect(found.airflow_url, found.user, found.passwords) as airflow:
        while True:
            runs: list[dict[str, Any]] = airflow.get(f"/api/v2/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
            states = {run["dag_run_id"]: run["state"] for run in runs}
            if states and set(states.values()) <= {"success", "failed"}:
                break
            assert time.monotonic() < deadline, states
            time.sleep(0.5)  # the REST API announces nothing: it is asked
    assert set(states.values()) == {"success"}, states


def test_the_night_of_the_page_is_lived_and_its_request_judged(place: Place) -> None:
    """docs/nights.md names the training that its `decide` asks for, and `gate` has judged it."""
    said = place.ratchet("history", "flight_delays")[1]
    key = re.search(r"--run (\S+__\S+)", (ROOT / "docs" / "nights.md").read_text())
    assert key is not None
    night = key[1].rpartition("__")[2]
    assert re.search(rf" requested +{night} .*asked for by ", said), said
    assert re.search(rf" (won|waiting|rejected) .*{key[1]}(, data up to [0-9-]+)?: ", said), said


def test_what_the_shell_did_is_in_the_installations_mlflow(place: Place) -> None:
    """`ratchet step train` was told no address, and its run is where `make up` put MLflow."""
    import httpx

    url = installation.need(place.var).mlflow_url
    found = httpx.post(
        f"{url}/api/2.0/mlflow/runs/search",
        json={"experiment_ids": [str(n) for n in range(5)], "filter": "tags.`mlflow.runName` = 'mine'"},
        trust_env=False,
    ).json()
    assert len(found["runs"]) == 1


def test_the_installation_is_started_twice_and_ended_twice(place: Place) -> None:
    """No port is said again, by whichever command; another one that is said is refused while it runs, then holds."""
    before = installation.need(place.var)
    said = place.local("up")
    assert before.airflow_url in said
    assert "starting" not in said
    with pytest.raises(AssertionError, match="make down"):
        place.local("up", RATCHET_MLFLOW_PORT=str(free_port()))
    assert "stopped" in place.local("down")
    assert "nothing was running" in place.local("down")
    start = [sys.executable, "-m", "ratchet", "start", "flight_delays"]
    asked = subprocess.run(start, cwd=place.project, env=place.environment, capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stderr.count("make up")) == (cli.FAILED, 1)
    other = free_port()
    assert f":{other}" in place.local("up", RATCHET_AIRFLOW_PORT=str(other))
    after = installation.need(place.var)
    assert (after.airflow_port, after.mlflow_port) == (other, before.mlflow_port)
    code, said = place.ratchet("airflow", "dags", "list", "--output", "plain")
    assert code == 0
    assert "flight_delays.ingest" in said
