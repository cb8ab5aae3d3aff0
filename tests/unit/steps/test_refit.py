"""Refit: the recipe on all days, near to what was judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ratchet.adapters import runs
from ratchet.lifecycle import evidence, predictions
from ratchet.training import evaluation
from tests.conftest import step
from tests.given.duels import NAME, NIGHT, champion_now, kinds, live_night, renew, win


def test_the_first_champion_is_a_refit_tied_to_what_was_judged(second: str, dueling: tuple[Path, str, str]) -> None:
    with runs.connected() as client:
        judged, deployed = (client.raw.get_model_version(NAME, number) for number in ("1", "2"))
        run = client.raw.get_run(dueling[2])
    assert judged.tags["ratchet.refit_version"] == "2"
    assert deployed.tags["ratchet.evaluated_version"] == "1"
    assert champion_now() == "2"
    assert run.data.tags["data.train"] == "2013-01-02..2013-01-11"  # the held-out days too
    assert run.data.tags[predictions.EVALUATED] == judged.run_id
    assert run.data.metrics[evidence.LOSS] > 0
    assert run.data.metrics["evaluated_distance"] < 2


def test_a_refit_far_from_its_twin_is_refused(second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("refit_distance: 10", "refit_distance: 0.000001"))
    renew("second")
    refused = step("refit", NAME, run="second", mlflow_run=second, until=NIGHT)
    assert refused.outcome == "skipped"  # a decision, and no failure: the night goes on
    assert "deviations from the evaluated model's" in refused.reason
    assert kinds()[-1] == "rejected"
    assert step("promote", NAME, run="second", mlflow_run=second).outcome == "skipped"
    assert champion_now() == "2"
    assert evaluation.distance(np.array([0.1, np.nan]), np.array([0.1, 0.2])) == np.inf
