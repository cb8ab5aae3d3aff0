"""The loop through the real scheduler, API server, DAG processor and MLflow server, and the UI in a real browser.

One installation serves the whole file; its tests build on each other in the order in which they stand.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from deploy.local import client, services, summary
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog, partitions
from ratchet.adapters import runs
from ratchet.data import tables
from ratchet.errors import ServiceError
from ratchet.lifecycle import dataset, ledger, predictions
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.run import Case
from ratchet.steps import performance
from tests.conftest import ROOT, free_port, lay, rename

PARTS = ("ingest", "train", "score", "monitor")
FLIGHTS = Story("flight_delays", "2013-01-01..2013-01-16", "2013-01-17..2013-01-18")
WIND = Story("wind", "2013-01-02..2013-01-14", "2013-01-15..2013-01-21")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Iterator[Local]:
    """An installation of its own: folders, ports, services."""
    folder = tmp_path_factory.mktemp("installation")
    dags = folder / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("wind", "wind_approved"):
        (dags / f"{name}.py").write_text((dags / "flight_delays.py").read_text().replace("flight_delays", name))
    with pytest.MonkeyPatch.context() as patch:
        lay(folder / "var", loops_folder, folder, patch.setenv)
        rename(folder, "wind", "wind_approved")
        contract = folder / "loops" / "wind_approved" / "loop.yaml"
        contract.write_text(contract.read_text().replace("gate:\n", "gate:\n  approval: required\n"))
        patch.setenv("RATCHET_DAGS", str(dags))
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


@pytest.fixture
def airflow(local: Local) -> Iterator[client.Airflow]:
    with client.connect(local) as found:
        yield found


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, file=open(os.devnull, "w"))  # noqa: PTH123


def _states(airflow: client.Airflow, dag_id: str) -> dict[str, str]:
    return {
        run["dag_run_id"]: run["state"] for run in airflow.get(f"/api/v2/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
    }


@pytest.mark.parametrize("story", [FLIGHTS, WIND], ids=lambda story: story.loop)
def test_the_story_closes_the_loop(story: Story, local: Local, airflow: client.Airflow, console: Console) -> None:
    tell(story, airflow, console)
    summary.show(story, local, console)
    told = console.export_text()
    assert f"{story.loop}.monitor" in told
    assert "Dataset revision" in told
    for part in PARTS:
        states = _states(airflow, f"{story.loop}.{part}")
        assert states
        assert set(states.values()) == {"success"}
    loop, registry = catalog.load(story.loop), dataset.registry()
    days = registry.partitions(story.loop, loop.main, "HEAD")
    assert (days[0], days[-1]) == (story.history.split("..")[0], story.nights.split("..")[1])
    entries = ledger.read(loop)
    assert entries[0]["kind"] == "promoted"
    assert "trained gradient_boosting on" in airflow.log(f"{story.loop}.train", "first-champion", "train", 1)
    # Every request was answered by one training of that name, and no other training ran.
    asked = {entry["evidence"] for entry in entries if entry["kind"] == "requested"}
    assert set(_states(airflow, f"{story.loop}.train")) == {"first-champion", *asked}


def test_a_story_that_was_told_changes_nothing(local: Local, airflow: client.Airflow, console: Console) -> None:
    before = (dataset.registry().head(), {part: _states(airflow, f"wind.{part}") for part in PARTS})
    tell(WIND, airflow, console)
    assert (dataset.registry().head(), {part: _states(airflow, f"wind.{part}") for part in PARTS}) == before


def test_production_and_replay_agree(local: Local, tmp_path: Path) -> None:
    """The week that Airflow's own DAGs went through, and the same week replayed.

    The same decisions on the same nights.
    """
    loop, registry = catalog.load("wind"), dataset.registry()
    entries, nights = ledger.read(loop), partitions.parse(WIND.nights)
    (outcome,) = replays.run(history.read(loop, tmp_path), [Case()], nights[0], nights[-1], tmp_path, lambda *_: None)
    asked = {entry["partition"]: entry for entry in entries if entry["kind"] in ("requested", "vetoed")}
    assert len(asked) >= 2
    for night, replayed in zip(nights, outcome.nights, strict=True):
        told = tables.read_table(predictions.live(loop, night))
        assert set(told.column("model_version").to_pylist()) == {replayed["version"]}, (night, entries)
        entry = asked.get(night)
        assert replayed["decided"] == ({"requested": "retrain", "vetoed": "veto"}[entry["kind"]] if entry else "wait")
        if entry:
            assert replayed["reason"] == entry["reason"]
            became = next(e["kind"] for e in entries if e.get("run") == entry["evidence"])
            assert replayed["gate"] == {"promoted": "promote", "rejected": "reject", "waiting": "wait"}[became]
        measured = performance.history(loop, replayed["version"], nights[-1])
        assert night not in measured or abs(measured[night] - replayed["loss"]) < 1e-3
    assert sum(entry["kind"] == "rolled_back" for entry in entries) == outcome.rollbacks
    assert sum(entry["kind"] == "promoted" for entry in entries) - 1 == outcome.promotions
    assert registry.partitions("wind", "weather", "HEAD")[-1] == nights[-1]


def test_killed_services_carry_on(local: Local, airflow: client.Airflow, console: Console) -> None:
    """Kill the scheduler, its tasks and the fork server in the middle of a night; start them again.

    The night ends as any other.
    """
    airflow.trigger("wind.ingest", "night__2013-01-22", partition="2013-01-22")
    _await(lambda: any(task["state"] == "running" for task in airflow.tasks("wind.ingest", "night__2013-01-22")))
    for name in ("scheduler", "fork-server"):
        process = services._process(local, name)
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert "scheduler" not in services.running(local)
    services.up(local, print)
    tell(Story("wind", WIND.history, "2013-01-22..2013-01-22"), airflow, console)
    registry = dataset.registry()
    assert registry.partitions("wind", "weather", "HEAD")[-1] == "2013-01-22"
    titles = registry.git("log", "--format=%s", "--", "wind").splitlines()
    assert titles.count("Publish wind 2013-01-22") == 1
    with runs.connected() as mlflow:
        assert [v.version for v in mlflow.raw.search_model_versions("name = 'wind'")] != []
        experiment = mlflow.raw.get_experiment_by_name("wind")
        assert experiment is not None
        trained = mlflow.raw.search_runs([experiment.experiment_id])
    assert len(trained) == len(_states(airflow, "wind.train"))


def test_two_runs_at_once_publish_both(local: Local, airflow: client.Airflow) -> None:
    for day in ("2013-01-23", "2013-01-24"):
        airflow.trigger("wind.ingest", f"night__{day}", partition=day)
    _await(
        lambda: all(
            airflow.run("wind.ingest", f"night__{day}")["state"] == "success" for day in ("2013-01-23", "2013-01-24")
        )
    )
    assert dataset.registry().partitions("wind", "weather", "HEAD")[-2:] == ["2013-01-23", "2013-01-24"]


def test_a_refused_delivery_is_told_in_the_runs_note_and_the_story_goes_on(
    local: Local, airflow: client.Airflow, console: Console
) -> None:
    path = local.settings.loops / "wind" / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    try:
        tell(Story("wind", WIND.history, "2013-01-26..2013-01-26"), airflow, console)
    finally:
        path.write_text(text)
    run = airflow.run("wind.ingest", "night__2013-01-26")
    assert run["state"] == "failed"
    assert "dropped column humid" in run["note"]
    assert "dropped column humid" in console.export_text()
    states = {task["task_id"]: task["state"] for task in airflow.tasks("wind.ingest", "night__2013-01-26")}
    assert states == {"fetch": "success", "validate": "success", "publish": "failed"}


def test_a_correction_by_hand_is_scored(local: Local, airflow: client.Airflow) -> None:
    airflow.trigger("wind.ingest", "correction", conf={"partitions": "2013-01-25"})
    _await(
        lambda: any(
            run["partition_key"] == "2013-01-25" and run["state"] == "success"
            for run in airflow.runs("wind.monitor", partition="2013-01-25")
        )
    )


def test_a_backfill_takes_the_loop_through_past_nights(local: Local, airflow: client.Airflow) -> None:
    command = [str(Path(sys.executable).parent / "airflow"), "backfill", "create", "--dag-id", "flight_delays.ingest"]
    dates = ["--from-date", "2013-01-19", "--to-date", "2013-01-20"]
    subprocess.run([*command, *dates], env=local.environment(), check=True, capture_output=True)
    _await(
        lambda: any(run["state"] == "success" for run in airflow.runs("flight_delays.monitor", partition="2013-01-19"))
    )
    # With an automated run behind it, Airflow's schedule takes up last night's partition too: the days after 2013 are
    # its own.
    assert [day for day in dataset.registry().partitions("flight_delays", "flights", "HEAD") if day < "2014"][
        -1
    ] == "2013-01-19"


def test_a_broken_contract_is_an_import_error_and_the_other_loop_goes_on(local: Local, airflow: client.Airflow) -> None:
    path = local.settings.loops / "wind" / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace("holdout_days", "holdot_days"))
    try:
        _await(lambda: any("did you mean 'holdout_days'" in error for error in airflow.import_errors()))
        assert not any("flight_delays.py" in error.splitlines()[0] for error in airflow.import_errors())
        assert airflow.dags()["flight_delays.ingest"]["is_stale"] is False
    finally:
        path.write_text(text)
    _await(lambda: not airflow.import_errors())


def test_a_taken_port_is_met_with_one_sentence(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_VAR", str(tmp_path / "other"))
    with pytest.raises(ServiceError, match=f"Port {local.airflow_port} is taken.*RATCHET_AIRFLOW_PORT="):
        services.up(Local.current(), print)
    assert services.running(Local.current()) == []


@pytest.fixture(scope="module")
def page(local: Local) -> Iterator[Page]:
    """A logged-in browser."""
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=quiet)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(local.airflow_url)
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", local.password())
        page.click("button[type=submit]")
        page.wait_for_url(f"{local.airflow_url}/**", wait_until="load")
        page.get_by_text("Home").first.wait_for()
        yield page
        browser.close()


def test_the_ui_shows_four_dags_of_each_loop(page: Page, local: Local) -> None:
    page.goto(f"{local.airflow_url}/dags?limit=50")
    for loop in ("flight_delays", "wind"):
        for part in PARTS:
            page.get_by_text(f"{loop}.{part}", exact=True).first.wait_for()


def test_the_trigger_form_asks_for_days(page: Page, local: Local) -> None:
    page.goto(f"{local.airflow_url}/dags/flight_delays.train")
    page.get_by_role("button", name="Trigger", exact=False).first.click()
    page.get_by_text("Reason").first.wait_for()
    page.get_by_text("Until").first.wait_for()


def test_a_promotion_waits_for_a_persons_answer(page: Page, local: Local, airflow: client.Airflow) -> None:
    for part in ("ingest", "train"):
        airflow.unpause(f"wind_approved.{part}")
    airflow.trigger("wind_approved.ingest", "history", conf={"partitions": "2013-01-02..2013-01-12"})
    _await(lambda: airflow.run("wind_approved.ingest", "history")["state"] == "success")
    airflow.trigger("wind_approved.train", "asked", conf={"reason": "to be approved"})
    _await(
        lambda: any(
            t["task_id"] == "approve" and t["state"] == "awaiting_input"
            for t in airflow.tasks("wind_approved.train", "asked")
        )
    )
    page.goto(f"{local.airflow_url}/dags/wind_approved.train/runs/asked/tasks/approve/required_actions")
    page.get_by_text("Promote a challenger of wind_approved?").first.wait_for()
    page.get_by_role("link", name="The whole report").first.wait_for()
    page.get_by_role("button", name="Approve").click()
    _await(lambda: airflow.run("wind_approved.train", "asked")["state"] == "success")
    (entry,) = ledger.read(catalog.load("wind_approved"))
    assert entry["kind"] == "promoted"
    assert (entry["approval"]["answer"], entry["approval"]["by"]) == ("Approve", "admin")
    assert entry["approval"]["at"]


def test_a_replay_is_started_from_its_form(page: Page, local: Local, airflow: client.Airflow) -> None:
    page.goto(f"{local.airflow_url}/dags/wind.replay")
    page.get_by_role("button", name="Trigger", exact=False).first.click()
    for field in ("From", "To", "Policies", "Gates", "Cost"):
        page.get_by_text(
            re.compile(f"^{field}\\W*$")
        ).first.wait_for()  # a star follows the name of one that must be filled in
    airflow.unpause("wind.replay")
    airflow.trigger(
        "wind.replay", "tried", conf={"first": "2013-01-15", "last": "2013-01-19", "policies": "never calendar:days=2"}
    )
    _await(lambda: airflow.run("wind.replay", "tried")["state"] in ("success", "failed"))
    assert airflow.run("wind.replay", "tried")["state"] == "success", airflow.log("wind.replay", "tried", "replay", 1)
    page.goto(f"{local.airflow_url}{_link(airflow, 'wind.replay', 'tried', 'replay', 'Replay report')}")
    page.get_by_text("What asked for each retraining").first.wait_for()


def _link(airflow: client.Airflow, dag_id: str, run_id: str, task: str, name: str) -> str:
    found: dict[str, Any] = airflow.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}/links")[
        "extra_links"
    ]
    return str(found[name])


def test_the_links_of_the_tasks_open(page: Page, local: Local, airflow: client.Airflow) -> None:
    night = airflow.runs("flight_delays.monitor", partition="2013-01-18")[0]["dag_run_id"]
    opened = {
        "Data Docs": (
            _link(airflow, "flight_delays.ingest", "night__2013-01-18", "validate", "Data Docs"),
            "Expectation Validation Result",
        ),
        "Dataset commit": (
            _link(airflow, "flight_delays.ingest", "night__2013-01-18", "publish", "Dataset commit"),
            "Publish flight_delays 2013-01-18",
        ),
        "Drift report": (_link(airflow, "flight_delays.monitor", night, "drift", "Drift report"), "Wasserstein"),
        "MLflow run": (
            _link(airflow, "flight_delays.train", "first-champion", "train", "MLflow run"),
            "first-champion",
        ),
    }
    for address, text in opened.values():
        page.goto(address if address.startswith("http") else f"{local.airflow_url}{address}")
        page.get_by_text(text).first.wait_for()


def test_the_overview_is_part_of_the_ui(page: Page, local: Local) -> None:
    page.goto(f"{local.airflow_url}/plugin/ratchet")
    frame = page.frame_locator("iframe")
    frame.get_by_text("What was decided").first.wait_for()
    frame.get_by_text("promoted").first.wait_for()


@pytest.mark.parametrize(
    "path", ["/", "/commits/HEAD", "/data-docs/wind/weather/2013-01-15.html", "/reports/wind/2013-01-15/drift.html"]
)
def test_a_stranger_sees_none_of_it(local: Local, path: str) -> None:
    assert httpx.get(f"{local.airflow_url}/ratchet{path}", trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/commits/..%2F..",
        "/data-docs/wind/..%2F..%2Fx/2013-01-15.html",
        "/reports/wind/2013-99-99/drift.html",
        "/commits/abcdef1",
    ],
)
def test_there_is_no_way_out_of_the_pages(page: Page, local: Local, path: str) -> None:
    assert page.request.get(f"{local.airflow_url}/ratchet{path}").status == 404


def _await(condition: Any, patience: float = 240) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)  # the REST API announces nothing: it is asked
