"""Prune: once, by the contract, and nothing that anything needs."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ratchet import cli
from ratchet.adapters import keeping, models, runs
from ratchet.adapters.runs import Tracking
from ratchet.lifecycle import dataset, pruning
from ratchet.settings import Settings
from tests.conftest import ingest, step, train
from tests.given import whole
from tests.unit.lifecycle.test_pruning import age, keep


def test_what_is_old_goes_once_and_the_loop_goes_on(
    wind: str, tracked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train("wind", "first")
    keep(tracked, "{pages_days: 3}")
    monkeypatch.setattr(keeping, "_LOOSE", 10)
    age(*(Settings.current().staging / "wind").iterdir(), *(Settings.current().snapshots / "wind").iterdir())
    asked = step("prune", "wind", dry_run=True)
    assert asked.outcome == "done"
    assert asked.reason.startswith("would take away")
    assert [*(Settings.current().staging / "wind").glob("*")]
    done = step("prune", "wind")
    assert done.files == asked.files > 5
    assert done.freed > 10_000
    assert not [*(Settings.current().staging / "wind").glob("*")]
    objects = Settings.current().registry / ".git" / "objects"
    assert [*objects.glob("pack/*.pack")]
    assert not [*objects.glob("??/*")]
    cli.main(["prune", "wind"])
    assert "took away nothing" in capsys.readouterr().out
    whole.check("wind")
    ingest("wind", "2013-01-16")
    assert step("score", "wind", partition="2013-01-16").new == 72
    assert dataset.registry().ledger("wind")


def test_a_year_later_a_training_that_came_to_nothing_is_let_go_and_the_champion_scores(
    wind: str, tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("wind", "first")
    step("snapshot", "wind", run="second")
    left = step("train", "wind", run="second").mlflow_run
    with monkeypatch.context() as later:
        later.setattr(pruning, "time", SimpleNamespace(time=lambda: time.time() + 400 * 86400))
        assert step("prune", "wind").runs == 1
    with runs.connected() as client:
        stages = {run: client.raw.get_run(run).info.lifecycle_stage for run in (left, _champion(client))}
    assert list(stages.values()) == ["deleted", "active"]
    ingest("wind", "2013-01-16")
    assert step("score", "wind", partition="2013-01-16").new == 72


def _champion(client: Tracking) -> str:
    found = models.champion(client, "wind")
    assert found
    return found.run_id
