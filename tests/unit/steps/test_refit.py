"""Refit: the recipe on all days, near to what was judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.errors import DataError
from ratchet.lifecycle import evidence, ledger, predictions, records
from ratchet.partitions import shift
from ratchet.steps import train
from ratchet.training import evaluation
from tests.conftest import ingest, step
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


def _refitted(second: str) -> str:
    """Let the challenger win, and refit and promote it; return the run that the champion's version names."""
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    made = step("refit", NAME, run="second", until=NIGHT).mlflow_run
    step("promote", NAME, run="second")
    with runs.connected() as client:
        champion = models.champion(client, NAME)
    assert champion is not None
    last = ledger.read(catalog.load(NAME))[-1]
    assert (last.kind, last.mlflow_run, champion.run_id) == ("promoted", made, made)
    return champion.run_id


def test_a_training_whose_key_is_named_as_a_refit_is_none(second: str) -> None:
    """Who may only trigger trained on days of their choice under that key, and was deployed unjudged."""
    step("snapshot", NAME, run="second.refit", until="2013-01-09")
    theirs = step("train", NAME, run="second.refit", reason="mine").mlflow_run
    deployed = _refitted(second)
    assert deployed != theirs
    assert records.read(catalog.load(NAME), deployed).evaluated == second


def test_a_run_of_another_that_claims_to_be_the_refit_is_not_deployed(second: str) -> None:
    """Whoever reaches MLflow's port can set any tag, and make runs."""
    with runs.connected() as client:
        theirs = runs.start_run(client, NAME, "theirs", {runs.MODEL: "models:/m-1"}).run_id
        client.set_tag(second, "ratchet.refit", theirs)
        assert _refitted(second) != theirs
        client.raw.delete_run(theirs)


def _told(run: str) -> dict[str, str]:
    """Return what MLflow's tags say that a run was fitted on."""
    with runs.connected() as client:
        return {name[5:]: value for name, value in client.tags(run).items() if name.startswith("data.")}


def test_a_refit_tried_again_on_a_later_night_is_tagged_with_what_was_fitted(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise DataError("the disk is full")

    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(train, "fitted", broken)
        with pytest.raises(DataError, match="the disk is full"):
            step("refit", NAME, run="second", until=NIGHT)
    ingest(NAME, shift(NIGHT, 1))
    made = step("refit", NAME, run="second", until=shift(NIGHT, 1)).mlflow_run
    record = records.read(catalog.load(NAME), made)
    assert record.trained[1] == NIGHT
    assert _told(made) == record.data
    with runs.connected() as client:
        (used,) = client.raw.get_run(made).inputs.dataset_inputs
    assert record.data["hash"].startswith(used.dataset.digest)


def test_a_refit_that_is_there_says_on_a_later_night_too_what_it_was_fitted_on(second: str) -> None:
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)
    first = step("refit", NAME, run="second", until=NIGHT)
    ingest(NAME, shift(NIGHT, 1))
    again = step("refit", NAME, run="second", until=shift(NIGHT, 1))
    assert (again.mlflow_run, again.distance) == (first.mlflow_run, first.distance)
    record = records.read(catalog.load(NAME), again.mlflow_run)
    assert record.trained[1] == shift(NIGHT, -1)
    assert _told(again.mlflow_run) == record.data
    assert record.data["train"] in again.reason
