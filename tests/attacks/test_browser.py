"""In a real browser: a page with hostile values has no origin, reaches no session, and asks nobody outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page

from deploy.local import client
from deploy.local.environment import Local
from ratchet import catalog
from ratchet.adapters import drift_report
from ratchet.settings import Settings
from scripts.screenshots import logged_in
from tests.attacks.conftest import LOOP

HOSTILE = """<script>
window.done = {};
try { done.cookie = document.cookie } catch (error) { done.cookie = 'refused' }
try { done.storage = String(localStorage.length) } catch (error) { done.storage = 'refused' }
try { done.parent = String(window.top.document.title) } catch (error) { done.parent = 'refused' }
fetch('/api/v2/dags').then(() => { done.api = 'reached' }).catch(() => { done.api = 'refused' });
fetch('http://localhost:PORT/').then(() => { done.out = 'reached' }).catch(() => { done.out = 'refused' });
</script><img src="http://localhost:PORT/x.png" onerror="window.erred = true"><p id=here>here</p>
"""


@pytest.fixture(scope="module")
def page(local: Local) -> Iterator[Page]:
    with logged_in(local, 1200, 800) as found:
        yield found


def _reports() -> Path:
    return Settings.current().reports / LOOP


@pytest.fixture
def outside() -> Iterator[tuple[int, list[str]]]:
    """A host outside: its port, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def planted(local: Local, outside: tuple[int, list[str]]) -> Iterator[str]:
    """A drift report whose script does what a delivered category's name could do."""
    folder = _reports() / "2013-01-12"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drift.html").write_text(HOSTILE.replace("PORT", str(outside[0])))
    yield f"{local.airflow_url}/ratchet/reports/{LOOP}/2013-01-12/drift.html"
    (folder / "drift.html").unlink()


def test_a_script_in_a_report_reaches_nothing(page: Page, planted: str, outside: tuple[int, list[str]]) -> None:
    page.goto(planted)
    page.locator("#here").wait_for()
    page.wait_for_function("() => window.done && done.api && done.out && window.erred")
    found = page.evaluate("() => done")
    assert {found.pop(name) for name in ("cookie", "storage", "api", "out")} == {"refused"}
    assert page.evaluate("() => window.origin") == "null"
    assert outside[1] == []


CATEGORY = (
    "</script><script>window.done = 1</script><img src=http://localhost:PORT/y.png onerror=window.erred=1>'\"`${1}\\",
    "<svg onload=window.erred=1>{{constructor.constructor('window.done=1')()}}",
)


def test_a_hostile_category_is_text_in_evidently_s_page(
    page: Page, local: Local, outside: tuple[int, list[str]]
) -> None:
    values = [each.replace("PORT", str(outside[0])) for each in CATEGORY]
    past = pd.DataFrame({"x": np.arange(400.0), values[1]: (["a", "b", "c", "d"] * 100)})
    present = past.assign(x=past["x"] * 2, **{values[1]: [*values, "a", "b"] * 100})
    made, _ = drift_report.make(present, past, ["x"], [values[1]], {"x": 0.1, values[1]: 0.1})
    folder = _reports() / "2013-01-13"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drift.html").write_text(made)
    try:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{local.airflow_url}/ratchet/reports/{LOOP}/2013-01-13/drift.html")
        page.get_by_text("onload=window.erred=1").first.wait_for()
        assert page.evaluate("() => [typeof window.done, typeof window.erred]") == ["undefined", "undefined"]
        assert page.evaluate("() => window.origin") == "null"
        assert outside[1] == []
        assert not [url for url in asked if not url.startswith((local.airflow_url, "data:", "blob:"))]
    finally:
        (folder / "drift.html").unlink()


def test_a_page_without_scripts_runs_none(page: Page, local: Local, airflow: client.Airflow) -> None:
    report = airflow.xcom(f"{LOOP}.train", "asked", "gate")["report"]
    file = _reports() / "decisions" / report
    before = file.read_text()
    try:
        file.write_text(before + HOSTILE)
        page.goto(f"{local.airflow_url}/ratchet/decisions/{LOOP}/{report}")
        page.locator("#here").wait_for()
        assert page.evaluate("() => [typeof window.done, typeof window.erred]") == ["undefined", "undefined"]
    finally:
        file.write_text(before)


def test_a_link_among_the_reports_leads_nowhere(page: Page, local: Local) -> None:
    """A symlink served the password file."""
    link = _reports() / "decisions" / "x" / "passwords.html"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(local.passwords)
    try:
        page.goto(f"{local.airflow_url}/ratchet/decisions/{LOOP}/x/passwords.html")
        assert local.password() not in page.content()
        assert "There is no passwords.html here" in page.content()
    finally:
        link.unlink()


@pytest.mark.parametrize("table", ["weather"])
def test_data_docs_are_whole_without_the_network(page: Page, local: Local, table: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{local.airflow_url}/ratchet/data-docs/{LOOP}/{table}/2013-01-05.html")
    page.get_by_text("Evaluated Expectations").wait_for()
    assert [url for url in asked if not url.startswith(local.airflow_url)] == []
    assert page.locator("script").count() == 0


def test_the_session_of_airflow_does_not_reach_mlflow(page: Page, local: Local) -> None:
    with page.expect_request(lambda request: request.url.startswith(local.mlflow_url)) as sent:
        page.goto(local.mlflow_url)
    assert "_token" not in (sent.value.all_headers().get("cookie") or "")
    assert page.context.cookies(local.airflow_url)
    assert not [each for each in page.context.cookies(local.mlflow_url) if each.get("name") == "_token"]
    page.goto("about:blank")


def test_a_hostile_description_is_text_in_the_overview(page: Page, local: Local) -> None:
    contract = catalog.load("wind").folder / "loop.yaml"
    before = contract.read_text()
    try:
        contract.write_text(before.replace("description: How", "description: <script>window.done=1</script> How"))
        page.goto(f"{local.airflow_url}/ratchet/")
        page.get_by_text("<script>window.done=1</script>").wait_for()
        assert page.evaluate("() => typeof window.done") == "undefined"
    finally:
        contract.write_text(before)
