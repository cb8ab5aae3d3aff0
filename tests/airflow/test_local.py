"""The local runtime: what the end of a step that left no result means."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog, cli
from ratchet_airflow.runtimes import local
from tests.airflow.test_connections import Log


def _ended(monkeypatch: pytest.MonkeyPatch, code: int, *killed: int) -> dict[str, Any]:
    """Run a step that ends with a code. killed: what the kernel has killed for memory, before the step and after."""
    counts = iter(killed or (7, 7))
    monkeypatch.setattr(local, "_killed_for_memory", lambda: next(counts))
    monkeypatch.setattr(local, "_run", lambda *_: code)
    return dict(local.run("fetch", catalog.load("wind"), {"partitions": "2013-01-05"}, Log())["error"])


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_fault_of_the_process_is_final(place: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It was taken for a kill, and run again and again."""
    found = _ended(monkeypatch, -signal.Signals[name])
    assert (found["type"], found["retriable"]) == ("StepCrashed", False)
    assert f"The step fetch of wind was killed by {name}." in found["message"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_kill_from_outside_is_worth_a_retry(place: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found = _ended(monkeypatch, -signal.Signals[name])
    assert (found["type"], found["retriable"]) == ("StepKilled", True)


def test_a_kill_by_the_kernel_for_memory_is_said_and_final(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _ended(monkeypatch, -signal.SIGKILL, 7, 8)
    assert (found["type"], found["retriable"]) == ("OutOfMemory", False)
    assert "was killed by the kernel, which had no memory left" in found["message"]
    # Another process was killed for memory meanwhile; this one was ended by a person.
    assert _ended(monkeypatch, -signal.SIGTERM, 7, 8)["type"] == "StepKilled"


@pytest.mark.parametrize(("code", "retriable"), [(0, False), (1, False), (cli.FAILED, False), (cli.RETRY, True)])
def test_an_end_without_a_result_is_retried_where_its_exit_code_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch, code: int, retriable: bool
) -> None:
    found = _ended(monkeypatch, code)
    assert (found["type"], found["retriable"]) == ("StepCrashed", retriable)
    assert f"ended with exit code {code} and left no result" in found["message"]


def test_what_the_kernel_has_killed_for_memory_is_counted() -> None:
    assert local._killed_for_memory() >= 0
