"""The UI in a real browser, and what a person starts there or on the command line.

One installation serves both files here; the tests of each build on each other in the order in which they stand.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page
from rich.console import Console

from deploy.local import client, services, summary
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog
from ratchet.errors import ServiceError
from ratchet.lifecycle import dataset, ledger
from scripts.screenshots import log_in
from tests.end_to_end.conftest import PARTS, check_told, link, states, wait_for

pytestmark = pytest.mark.xdist_group("end_to_end")
STORY = Story("flight_delays", "2013-01-01..2013-01-08", "2013-01-09..2013-01-09")


def test_the_story_closes_the_loop(local: Local, airflow: client.Airflow, console: Console) -> None:
    tell(STORY, airflow, console)
    summary.show(STORY, local, console)
    check_told(STORY, airflow, console)


def test_a_backfill_takes_the_loop_through_past_nights(local: Local, airflow: client.Airflow) -> None:
    command = [str(Path(sys.executable).parent / "airflow"), "backfill", "create", "--dag-id", "flight_delays.ingest"]
    dates = ["--from-date", "2013-01-10", "--to-date", "2013-01-11"]
    told = subprocess.run([*command, *dates], env=local.environment(), capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    wait_for(
        lambda: any(run["state"] == "success" for run in airflow.runs("flight_delays.monitor", partition="2013-01-10"))
    )
    # With an automated run behind it, Airflow's schedule takes up last night's partition too: the days after 2013 are
    # its own.
    assert [day for day in dataset.registry().partitions("flight_delays", "flights", "HEAD") if day < "2014"][
        -1
    ] == "2013-01-10"


def test_a_broken_contract_is_an_import_error_and_the_other_loop_goes_on(local: Local, airflow: client.Airflow) -> None:
    path = local.settings.loops / "wind" / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace("holdout_days", "holdot_days"))
    try:
        wait_for(lambda: any("did you mean 'holdout_days'" in error for error in airflow.import_errors()))
        assert not any("flight_delays.py" in error.splitlines()[0] for error in airflow.import_errors())
        assert airflow.dags()["flight_delays.ingest"]["is_stale"] is False
    finally:
        path.write_text(text)
    wait_for(lambda: not airflow.import_errors())


def test_a_taken_port_is_met_with_one_sentence(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_VAR", str(tmp_path / "other"))
    with pytest.raises(ServiceError, match=f"Port {local.airflow_port} is taken.*RATCHET_AIRFLOW_PORT="):
        services.up(Local.current(), print)
    assert services.running(Local.current()) == []


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
    page.goto("about:blank")  # an open page asks the server again and again
    for part in ("ingest", "train", "approve"):
        airflow.unpause(f"wind_approved.{part}")
    airflow.trigger("wind_approved.ingest", "history", conf={"partitions": "2013-01-02..2013-01-17"})
    wait_for(lambda: airflow.run("wind_approved.ingest", "history")["state"] == "success")
    airflow.trigger("wind_approved.train", "asked", conf={"reason": "to be approved", "until": "2013-01-12"})
    wait_for(lambda: airflow.run("wind_approved.train", "asked")["state"] == "success")  # it waits for nobody
    assert "to be approved" in airflow.run("wind_approved.train", "asked")["note"]
    wait_for(lambda: _asks(airflow))
    form = "/dags/wind_approved.approve/runs/asked/tasks/approve/required_actions"
    assert page.context.browser
    with page.context.browser.new_context() as context:
        hers = context.new_page()
        log_in(hers, local, "ada")
        hers.goto(f"{local.airflow_url}{form}")
        hers.get_by_text("Promote the challenger").first.wait_for()
        hers.get_by_role("link", name="The whole report").first.wait_for()
        hers.get_by_role("button", name="Approve").click()
        wait_for(lambda: airflow.run("wind_approved.approve", "asked")["state"] == "success")
    *before, answered, entry = ledger.read(catalog.load("wind_approved"))
    assert [each.kind for each in (*before, answered, entry)] == ["won", "approval_asked", "answered", "promoted"]
    assert (answered.answer, answered.responder, answered.known, answered.asked_by) == (
        "Approve",
        "ada",
        "airflow",
        "admin",
    )
    assert entry.approval["by"] == "ada"


def _asks(airflow: client.Airflow) -> bool:
    return "asked" in states(airflow, "wind_approved.approve") and any(
        each["task_id"] == "approve" and each["state"] == "awaiting_input"
        for each in airflow.tasks("wind_approved.approve", "asked")
    )


def test_a_replay_is_started_from_its_form(page: Page, local: Local, airflow: client.Airflow) -> None:
    page.goto(f"{local.airflow_url}/dags/wind_approved.replay")
    page.get_by_role("button", name="Trigger", exact=False).first.click()
    for field in ("From", "To", "Policies", "Gates", "Cost"):
        # A star follows the name of one that must be filled in.
        page.get_by_text(re.compile(f"^{field}\\W*$")).first.wait_for()
    page.goto("about:blank")
    airflow.unpause("wind_approved.replay")
    airflow.trigger(
        "wind_approved.replay",
        "tried",
        conf={"first": "2013-01-13", "last": "2013-01-17", "policies": "never calendar:days=2"},
    )
    wait_for(lambda: airflow.run("wind_approved.replay", "tried")["state"] in ("success", "failed"))
    assert airflow.run("wind_approved.replay", "tried")["state"] == "success", airflow.log(
        "wind_approved.replay", "tried", "replay", 1
    )
    page.goto(f"{local.airflow_url}{link(airflow, 'wind_approved.replay', 'tried', 'replay', 'Replay report')}")
    page.get_by_text("What asked for each retraining").first.wait_for()


def test_the_links_of_the_tasks_open(page: Page, local: Local, airflow: client.Airflow) -> None:
    night = airflow.runs("flight_delays.monitor", partition="2013-01-09")[0]["dag_run_id"]
    opened = {
        "Data Docs": (
            link(airflow, "flight_delays.ingest", "night__2013-01-09", "validate", "Data Docs"),
            "Expectation Validation Result",
        ),
        "Dataset commit": (
            link(airflow, "flight_delays.ingest", "night__2013-01-09", "publish", "Dataset commit"),
            "Publish flight_delays 2013-01-09",
        ),
        "Drift report": (link(airflow, "flight_delays.monitor", night, "drift", "Drift report"), "Wasserstein"),
        "MLflow run": (
            link(airflow, "flight_delays.train", "first-champion", "train", "MLflow run"),
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
