"""A page is made when somebody looks at it for the first time: once, elsewhere, and told while it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.airflow.test_pages import client

__all__ = ["client"]
PAGE = "/reports/wind/2013-01-06/drift.html"


@pytest.fixture
def looked(place: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Let the step do what a test says, in the thread that waits for it; look at the page of a night."""
    from ratchet_airflow import making

    folder = place / "var" / "reports" / "wind" / "2013-01-06"
    folder.mkdir(parents=True)
    (folder / "drift.json").write_text("{}")
    monkeypatch.setattr(making, "_MADE", {})

    def look(does: Callable[..., dict[str, Any]] | None = None) -> Any:
        if does:
            monkeypatch.setattr(making, "step", does)
        return client.get(PAGE)

    return look


def _ended() -> None:
    from ratchet_airflow import making

    for made in [*making._MADE.values()]:
        made.result(timeout=30)


def test_it_is_made_once_while_who_looks_is_told(looked: Callable[..., Any], place: Path) -> None:
    asked, go_on = [], threading.Event()

    def does(name: str, loop: Any, request: dict[str, Any], _log: Any) -> dict[str, Any]:
        asked.append((name, loop.name, request))
        go_on.wait(30)
        (place / "var" / "reports" / "wind" / "2013-01-06" / "drift.html").write_text("<p>made</p>")
        return {"outcome": "done"}

    first, second = looked(does), looked()
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.headers["Refresh"] == "2"
    assert "being made" in first.text
    assert "ratchet step explain --loop wind --partition 2013-01-06" in first.text
    go_on.set()
    _ended()
    for _ in range(2):
        assert (looked().status_code, looked().text) == (200, "<p>made</p>")
    assert asked == [("explain", "wind", {"partition": "2013-01-06"})]


def test_what_went_wrong_is_text_and_the_next_look_tries_again(looked: Callable[..., Any]) -> None:
    tries: list[int] = []

    def does(*_: Any) -> dict[str, Any]:
        tries.append(1)
        return {"error": {"message": "no MLflow <script>alert(1)</script>", "retriable": True}}

    for count in (1, 2):
        assert looked(does).status_code == 202
        _ended()
        told = looked()
        assert told.status_code == 404
        assert "<script" not in told.text
        assert "no MLflow &lt;script&gt;" in told.text
        assert len(tries) == count


def test_a_night_that_compared_nothing_and_a_run_of_nobody_start_nothing(
    looked: Callable[..., Any], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ratchet_airflow import making

    monkeypatch.setattr(making, "make", None)
    for page in ("/reports/wind/2013-01-07/drift.html", f"/decisions/wind/{'1' * 32}/importance.html"):
        assert client.get(page).status_code == 404


def test_who_may_not_read_the_loop_starts_nothing(
    looked: Callable[..., Any], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ratchet_airflow import making, pages

    monkeypatch.setattr(making, "make", None)
    monkeypatch.setattr(pages, "may_read", lambda *_: False)
    assert looked().status_code == 404
    assert "being made" not in looked().text
