"""Ratchet's pages in the Airflow UI, asked in this process: one loop's error is its own, and a link leads nowhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ratchet import catalog
from ratchet.adapters.data_registry import Registry
from ratchet.decisions.entries import Paused
from ratchet.lifecycle import ledger
from tests.conftest import ROOT, ingest
from tests.given.contracts import HOSTILE


class _Everybody:
    """An auth manager that lets everybody see all."""

    def is_authorized_dag(self, **_: Any) -> bool:
        return True

    def is_authorized_view(self, **_: Any) -> bool:
        return True


@pytest.fixture
def client(place: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "plugins")])
    from airflow.api_fastapi.core_api import security

    from ratchet_airflow import pages

    for module in (pages, security):
        monkeypatch.setattr(module, "get_auth_manager", _Everybody)
    monkeypatch.setattr(pages, "_ABOUT", {})
    monkeypatch.setitem(pages.app.dependency_overrides, security.get_user, object)
    ingest("wind", "2013-01-05")
    return TestClient(pages.app, raise_server_exceptions=False)


@pytest.mark.parametrize(("old", "new"), HOSTILE)
def test_one_loop_takes_the_overview_from_no_other(place: Path, client: TestClient, old: str, new: str) -> None:
    """A number of 20,000 digits, told in an error, was an error itself: the page was gone for every loop."""
    contract = place / "loops" / "flight_delays" / "loop.yaml"
    contract.write_text(contract.read_text().replace(old, new, 1))
    found = client.get("/")
    assert found.status_code == 200
    assert "<h2>flight_delays</h2><pre class=bad>" in found.text
    assert "1 days, 2013-01-05 to 2013-01-05" in found.text


@pytest.mark.parametrize(
    ("link", "file", "page"),
    [
        ("wind", "wind/decisions/x/page.html", "/decisions/wind/x/page.html"),
        ("wind/decisions", "wind/decisions/x/page.html", "/decisions/wind/x/page.html"),
        ("wind/decisions/x", "wind/decisions/x/page.html", "/decisions/wind/x/page.html"),
        ("wind/replays", "wind/replays/page.html", "/replays/wind/page.html"),
        ("wind/2013-01-06", "wind/2013-01-06/drift.html", "/reports/wind/2013-01-06/drift.html"),
        ("wind/2013-01-06", "wind/2013-01-06/explanation.html", "/reports/wind/2013-01-06/explanation.html"),
    ],
)
def test_a_folder_that_is_a_link_leads_nowhere(
    place: Path, client: TestClient, link: str, file: str, page: str
) -> None:
    """A file was compared with the real path of its own folder, wherever that was."""
    secret, reports = place / "secret", place / "var" / "reports"
    hidden = secret / Path(file).relative_to(link)
    hidden.parent.mkdir(parents=True)
    hidden.write_text("SECRET")
    at = reports / link
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(secret)
    found = client.get(page)
    assert found.status_code == 404
    assert "SECRET" not in found.text
    at.unlink()
    secret.rename(at)  # the same page is served where no link is in its way, be it that all reports lie on another disk
    reports.rename(place / "elsewhere")
    reports.symlink_to(place / "elsewhere")
    assert client.get(page).text == "SECRET"


@pytest.mark.parametrize("content", [b"name: wind\0\n", "name: w\u00fcnd\n".encode("latin-1"), b"[" * 2_000])
def test_one_contract_that_cannot_be_read_leaves_the_other_loops_on_the_overview(
    client: TestClient, place: Path, content: bytes
) -> None:
    (place / "loops" / "flight_classes" / "loop.yaml").write_bytes(content)
    found = client.get("/")
    assert found.status_code == 200
    assert "How fast will the wind blow" in found.text
    assert found.text.count("<pre class=bad>") == 1
    assert "flight_classes/loop.yaml" in found.text


def test_the_overview_is_made_once_a_revision_of_the_registry(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, whole = list[str](), Registry.ledger

    def counted(self: Registry, loop: str, *more: str) -> object:
        read.append(loop)
        return whole(self, loop, *more)

    monkeypatch.setattr(Registry, "ledger", counted)
    first = client.get("/").text
    assert sorted(read) == catalog.names()
    assert client.get("/").text == first
    assert sorted(read) == catalog.names()
    ledger.say(catalog.load("wind"), Paused, "the mast is mended")
    assert "the mast is mended" in client.get("/").text
