"""An installation with something to gain: a challenger that waits for a person, data, secrets, and people of all kinds.

`admin` has asked for the training; `ada` alone may approve it; `eve` has no right on its DAGs; `victor` may only look.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import client, services
from deploy.local.environment import Local
from ratchet import catalog
from ratchet.lifecycle import ledger
from tests.conftest import ROOT, free_port, lay, rename
from tests.end_to_end.conftest import states, wait_for

LOOP = "wind_approved"
USERS = "ada:user,eve:user,victor:viewer"
Log = Callable[[str], httpx.Client]


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Iterator[Local]:
    """Start the services, bring days in, and train a challenger that wins and waits for its approval."""
    folder = tmp_path_factory.mktemp("attacked")
    dags = folder / "dags"
    dags.mkdir()
    for name in (LOOP, "wind"):
        text = (ROOT / "dags" / "flight_delays.py").read_text()
        (dags / f"{name}.py").write_text(text.replace("flight_delays", name))
    real = Local.variables
    with pytest.MonkeyPatch.context() as patch:
        lay(folder / "var", loops_folder, folder, patch.setenv)
        rename(folder, "wind", LOOP)
        contract = folder / "loops" / LOOP / "loop.yaml"
        contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada, admin]\n"))
        for name, value in {
            "RATCHET_DAGS": str(dags),
            "RATCHET_AIRFLOW_USERS": USERS,
            "RATCHET_AIRFLOW_PORT": str(free_port()),
            "RATCHET_MLFLOW_PORT": str(free_port()),
        }.items():
            patch.setenv(name, value)
        manager = {"AIRFLOW__CORE__AUTH_MANAGER": "tests.given.limited.Limited"}
        patch.setattr(Local, "variables", lambda self: _with_tests({**real(self), **manager}))
        found = Local.current()
        patch.setenv("MLFLOW_TRACKING_URI", found.mlflow_url)
        shutil.rmtree(folder / "loops" / "harbour", ignore_errors=True)
        try:
            services.up(found, print)
            with client.connect(found) as airflow:
                _lay_out(airflow)
            yield found
        finally:
            services.down(found, print)


def _with_tests(variables: dict[str, str]) -> dict[str, str]:
    return {**variables, "PYTHONPATH": os.pathsep.join([variables["PYTHONPATH"], str(ROOT)])}


def _lay_out(airflow: client.Airflow) -> None:
    wait_for(lambda: {f"{LOOP}.approve", "wind.train"} <= {*airflow.dags()})
    for dag in (*(f"{LOOP}.{part}" for part in ("ingest", "train", "approve")), "wind.ingest", "wind.train"):
        airflow.unpause(dag)
    for loop in (LOOP, "wind"):
        airflow.trigger(f"{loop}.ingest", "history", conf={"partitions": "2013-01-02..2013-01-14"})
    for loop in (LOOP, "wind"):
        wait_for(lambda loop=loop: airflow.run(f"{loop}.ingest", "history")["state"] == "success")
    for loop, run in ((LOOP, "asked"), ("wind", "other")):
        airflow.trigger(f"{loop}.train", run, conf={"reason": "to be approved", "until": "2013-01-12"})
    for loop, run in ((LOOP, "asked"), ("wind", "other")):
        wait_for(lambda loop=loop, run=run: airflow.run(f"{loop}.train", run)["state"] == "success")
    wait_for(lambda: waits(airflow), 60)


def waits(airflow: client.Airflow) -> bool:
    """Say whether the question waits for an answer."""
    return "asked" in states(airflow, f"{LOOP}.approve") and any(
        each["task_id"] == "approve" and each["state"] == "awaiting_input"
        for each in airflow.tasks(f"{LOOP}.approve", "asked")
    )


@pytest.fixture
def airflow(local: Local) -> Iterator[client.Airflow]:
    with client.connect(local) as found:
        yield found


@pytest.fixture
def nobody(local: Local) -> Iterator[httpx.Client]:
    """A client without a login."""
    with httpx.Client(base_url=local.airflow_url, trust_env=False, timeout=30) as found:
        yield found


@pytest.fixture
def log_in(local: Local) -> Iterator[Log]:
    """Log a user in to the REST API."""
    opened = []

    def found(user: str) -> httpx.Client:
        made = httpx.Client(base_url=local.airflow_url, trust_env=False, timeout=30)
        opened.append(made)
        login = {"username": user, "password": local.password(user)}
        token = made.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        made.headers["Authorization"] = f"Bearer {token}"
        return made

    yield found
    for each in opened:
        each.close()


@pytest.fixture(autouse=True)
def _nothing_is_promoted(local: Local) -> Iterator[None]:
    """Whatever was tried: the challenger that nobody has approved is no champion, and the ledger is what it was."""
    before = ledger.read(catalog.load(LOOP))
    yield
    after = ledger.read(catalog.load(LOOP))
    assert after == before
    assert [each.kind for each in after] == ["won", "approval_asked"]
