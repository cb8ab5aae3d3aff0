"""Replay, the step: the past under several policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.adapters import runs
from ratchet.replay.history import History
from ratchet.steps import replay
from tests.conftest import MlflowServer, step
from tests.given.replays import FIRST, NAME


def test_the_same_replay_is_read_again_and_told_with_its_reason(
    past: History, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    request = {"first": FIRST, "last": "2013-01-17", "policies": "never calendar:days=2", "cost": 1000}
    found = step("replay", NAME, **request)
    assert (found.recommended, found.gate) == ("never", "contract")
    assert "never costs least with a retraining at 1000" in found.reason
    assert "+" in found.diff
    assert Path(found.report).read_text().count("<details>") == 3
    assert "nights: 12 of 12" in capsys.readouterr().out
    again = step("replay", NAME, **request)
    assert (again.rows, again.report, again.mlflow_run) == (found.rows, found.report, found.mlflow_run)
    with runs.connected() as client:
        assert client.tags(found.mlflow_run)["ratchet.recommended"] == "never"


def test_by_default_it_begins_when_a_first_champion_could_stand(
    past: History, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert replay._first(past.loop, past) == "2013-01-28"  # a window of 20 days, a holdout of 4, labels a day later


def test_a_long_replay_tells_its_log_where_it_is_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """It told tenths alone: of a replay of hours nothing for many minutes, and never how long it would take."""
    now = 0.0
    tell = replay._log(lambda: now)
    tell("models", 0, 1_000)
    for done in range(1, 131):
        now += 1.0
        tell("models", done, 1_000)
    assert capsys.readouterr().out.splitlines() == [
        "models: 60 of 1000; about 16 minutes left",
        "models: 100 of 1000; about 15 minutes left",
    ]
    tell("nights", 0, 3)
    now += 1.0
    tell("nights", 3, 3)
    assert capsys.readouterr().out.splitlines() == ["nights: 3 of 3"], "another work, from its own beginning"
