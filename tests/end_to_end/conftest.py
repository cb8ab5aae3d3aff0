"""One installation for all files: the real scheduler, API server, DAG processor and MLflow, and a real browser."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from rich.console import Console

from deploy.local import client, services
from deploy.local.environment import Local
from deploy.local.story import Story
from ratchet import catalog
from ratchet.lifecycle import dataset, ledger
from scripts.screenshots import logged_in
from tests.conftest import ROOT, free_port, lay, rename

PARTS = ("ingest", "train", "score", "monitor")


@pytest.fixture(scope="package")
def installed_loops() -> tuple[str, ...]:
    """The loops that have DAGs."""
    return ("flight_delays", "wind", "wind_approved")


@pytest.fixture(scope="package")
def local(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], installed_loops: tuple[str, ...]
) -> Iterator[Local]:
    """An installation of the tests' own: folders, ports, services, and the DAGs of some loops."""
    folder = tmp_path_factory.mktemp("installation")
    dags = folder / "dags"
    dags.mkdir()
    for name in installed_loops:
        (dags / f"{name}.py").write_text(
            (ROOT / "dags" / "flight_delays.py").read_text().replace("flight_delays", name)
        )
    shutil.copy(ROOT / "dags" / "upkeep.py", dags)
    with pytest.MonkeyPatch.context() as patch:
        lay(folder / "var", loops_folder, folder, patch.setenv)
        rename(folder, "wind", "wind_approved")
        wind = folder / "loops" / "wind" / "loop.yaml"  # of whose five nights two shall ask for a training
        wind.write_text(wind.read_text().replace("calendar: {days: 3}", "calendar: {days: 2}"))
        rename(folder, "wind", "wind_at_once")
        _every_night(folder / "loops" / rename(folder, "wind", "wind_nightly") / "loop.yaml")
        contract = folder / "loops" / "wind_approved" / "loop.yaml"
        contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: [ada, admin]\n"))
        _smaller(folder / "loops" / "flight_delays" / "loop.yaml")
        patch.setenv("RATCHET_DAGS", str(dags))
        patch.setenv("RATCHET_AIRFLOW_USERS", "ada:user,eve:user,victor:viewer")
        patch.setenv("RATCHET_AIRFLOW_PORT", str(free_port()))
        patch.setenv("RATCHET_MLFLOW_PORT", str(free_port()))
        found = Local.current()
        patch.setenv("MLFLOW_TRACKING_URI", found.mlflow_url)
        try:
            services.up(found, print)
            yield found
        finally:
            services.down(found, print)
        assert services.running(found) == []


def _every_night(contract: Path) -> None:
    """Let a loop retrain every night, by the one line that says so."""
    kept, section, _ = contract.read_text().partition("retrain:\n")
    assert section
    contract.write_text(f"{kept}retrain: {{policies: {{calendar: {{days: 1}}}}}}\n")


def _smaller(contract: Path) -> None:
    """Let the loop of the flights need fewer days and trees: it is shown how it runs, not how well it predicts."""
    text = contract.read_text()
    far = (datetime.now(UTC).hour + 12) % 24 or 1
    for old, new in (
        ("holdout_days: 7", "holdout_days: 3"),
        ("  aim: non_inferior", "  level: 0.2\n  aim: non_inferior"),  # three days alone prove little
        ("max_iter: 300", "max_iter: 40"),
        ("latency_ms: 100", "refit_distance: 2\n  latency_ms: 5000"),
        ("ingest: 0 6 * * *", f"ingest: 0 {far} * * *"),  # no night of its own comes while the tests run
    ):
        assert old in text
        text = text.replace(old, new)
    contract.write_text(text)


@pytest.fixture
def airflow(local: Local) -> Iterator[client.Airflow]:
    with client.connect(local) as found:
        yield found


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, file=open(os.devnull, "w"))  # noqa: PTH123


def states(airflow: client.Airflow, dag_id: str) -> dict[str, str]:
    return {
        run["dag_run_id"]: run["state"] for run in airflow.get(f"/api/v2/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
    }


def check_told(story: Story, airflow: client.Airflow, console: Console) -> None:
    """Check what a story has left: nothing failed, every day is published, every request was answered once."""
    told = console.export_text()
    assert f"{story.loop}.monitor" in told
    assert "Dataset revision" in told
    for part in PARTS:
        ended = set(states(airflow, f"{story.loop}.{part}").values())
        assert ended == {"success"}
    loop, registry = catalog.load(story.loop), dataset.registry()
    days = registry.partitions(story.loop, loop.main, "HEAD")
    assert (days[0], days[-1]) == (story.history.split("..")[0], story.nights.split("..")[1])
    entries = ledger.read(loop)
    assert [entry.kind for entry in entries[:2]] == ["won", "promoted"]
    assert "trained gradient_boosting on" in airflow.log(f"{story.loop}.train", "first-champion", "train", 1)
    # Every request was answered by one training of that name, and no other training ran.
    asked = {entry.evidence for entry in entries if entry.kind == "requested"}
    assert set(states(airflow, f"{story.loop}.train")) == {"first-champion", *asked}


@pytest.fixture(scope="module")
def page(local: Local) -> Iterator[Page]:
    """A logged-in browser."""
    with logged_in(local, 1400, 900) as page:
        yield page


def link(airflow: client.Airflow, dag_id: str, run_id: str, task: str, name: str) -> str:
    found: dict[str, Any] = airflow.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}/links")[
        "extra_links"
    ]
    return str(found[name])


def wait_for(condition: Any, patience: float = 240) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.4)  # the REST API announces nothing: it is asked
