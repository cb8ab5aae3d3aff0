"""`ratchet replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.cli import ratchet
from ratchet.replay.history import History
from tests.conftest import MlflowServer
from tests.given.replays import FIRST, LAST, NAME


def test_the_command_recommends_and_applies(
    replayed: Path, past: History, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    path = replayed / "loops" / NAME / "loop.yaml"
    text = path.read_text()
    policies = ["--policy", "never", "--policy", "calendar:days=4"]
    try:
        said = CliRunner().invoke(
            ratchet, ["replay", NAME, "--from", FIRST, "--to", LAST, *policies, "--cost", "1000", "--apply"]
        )
        assert said.exit_code == 0, said.output
        assert "never costs least" in said.output
        assert catalog.load(NAME).retrain.policies == {}
    finally:
        path.write_text(text)
    with runs.connected() as client:
        experiment = client.raw.get_experiment_by_name(f"{NAME}.replay")
        assert experiment is not None
        runs_ = client.raw.search_runs([experiment.experiment_id])
        (run,) = [each for each in runs_ if each.info.run_name.startswith(f"{FIRST}..{LAST}")]
        assert {file.path for file in client.raw.list_artifacts(run.info.run_id)} == {
            "replay.html",
            "replay.png",
            "replay.json",
        }
        rows = json.loads(runs.read_file(client, run.info.run_id, "replay.json"))
    assert {row["name"] for row in rows} == {"contract", "never", "calendar:days=4"}
    assert all(row["regret"] >= -1e-6 for row in rows)
