"""Take the README's pictures from a running installation (make up) whose story has been told (make run)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from deploy.local import client
from deploy.local.environment import USER, Local

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "images"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def main() -> None:
    """Walk through the UI and take the pictures."""
    local = Local.current()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with client.connect(local) as airflow, logged_in(local, 1440, 860) as page:
        night = "2013-02-09"  # that asked for a training
        monitor = (
            airflow.runs("flight_delays.monitor", partition=night)[-1]["dag_run_id"]
            .replace("+", "%2B")
            .replace(":", "%3A")
        )
        asked = airflow.get("/api/v2/dags/flight_delays.train/dagRuns", order_by="id")["dag_runs"][1]["dag_run_id"]
        champion = airflow.xcom("flight_delays.train", "first-champion", "train")["mlflow_run"]
        _take(page, "dags", f"{local.airflow_url}/dags?limit=50", "flight_delays.train")
        _take(page, "ingest", f"{local.airflow_url}/dags/flight_delays.ingest/runs/night__{night}", "publish")
        _take(page, "monitor", f"{local.airflow_url}/dags/flight_delays.monitor/runs/{monitor}", "retrain")
        _take(page, "train", f"{local.airflow_url}/dags/flight_delays.train/runs/{asked}", "promote")
        decided = airflow.xcom("flight_delays.train", asked, "gate")["report"]
        _take(page, "decision", f"{local.airflow_url}/ratchet/decisions/flight_delays/{decided}", "Model card")
        _take(page, "overview", f"{local.airflow_url}/plugin/ratchet", None)
        _take(page, "drift", f"{local.airflow_url}/ratchet/reports/flight_delays/{night}/drift.html", "Wasserstein")
        _take(
            page,
            "data-docs",
            f"{local.airflow_url}/ratchet/data-docs/flight_delays/weather/2013-02-12.html",
            "Expectation Validation Result",
        )
        _take(page, "mlflow", f"{local.mlflow_url}/#/runs/{champion}", "first-champion")


@contextmanager
def logged_in(local: Local, width: int, height: int) -> Iterator[Page]:
    """Open Airflow's UI in a browser, logged in. width, height: of the window, in pixels."""
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=QUIET)
        page = browser.new_page(viewport={"width": width, "height": height})
        log_in(page, local, USER)
        yield page
        browser.close()


def log_in(page: Page, local: Local, user: str) -> None:
    """Log a page in to Airflow's UI."""
    page.goto(local.airflow_url)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", local.password(user))
    page.click("button[type=submit]")
    page.wait_for_url(f"{local.airflow_url}/**", wait_until="load")
    page.get_by_text("Home").first.wait_for()


def _take(page: Page, name: str, address: str, awaited: str | None) -> None:
    page.goto(address)
    if awaited:
        page.get_by_text(awaited).first.wait_for()
    else:
        page.frame_locator("iframe").get_by_text("What was decided").first.wait_for()
    page.wait_for_timeout(2500)  # transitions and plots announce their end in no way
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
