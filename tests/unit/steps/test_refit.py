"""Refit: the recipe on all days, near to what was judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import dataset, evaluations, evidence, ledger, predictions, proven, records
from ratchet.partitions import shift
from ratchet.steps import train
from ratchet.training import evaluation, latency
from ratchet.training.latency import Latency
from ratchet.training.model import Model
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


def test_where_the_evaluated_model_is_deployed_there_is_nothing_to_refit(second: str, tmp_path: Path) -> None:
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("deploy: refit", "deploy: evaluated"))
    renew("second")
    _won(second)
    done = step("refit", NAME, run="second", mlflow_run=second, until=NIGHT)
    assert (done.outcome, done.mlflow_run) == ("skipped", None)
    told = "nothing to refit: the contract deploys the evaluated model (gate.deploy: evaluated)"
    assert done.reason == told


def _won(second: str) -> None:
    live_night()
    win(second)
    step("duel", NAME, partition=NIGHT)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (lambda predicted: np.full_like(predicted, predicted.mean()), ["refit: distance"]),
        (lambda predicted: predicted + 6, ["refit: loss"]),
        (lambda predicted: 2 * predicted.mean() - predicted, ["refit: more wind now is more wind later"]),
    ],
    ids=["constant", "worse", "turned round"],
)
def test_a_refit_is_judged_by_what_the_evaluated_model_was(
    second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Any, names: list[str]
) -> None:
    path = tmp_path / "copy" / "loops" / NAME / "loop.yaml"
    path.write_text(path.read_text().replace("refit_distance: 10", "refit_distance: 0.6"))
    if names != ["refit: distance"]:
        path.write_text(path.read_text().replace("refit_distance: 0.6", "refit_distance: 10"))
    renew("second")
    _won(second)
    loaded = proven.answering

    def answering(loop: Loop, run: str) -> Any:
        model = loaded(loop, run)
        return model if run == second else _Broken(model.trainer, model.encoder, (model, said), model.code)

    monkeypatch.setattr(proven, "answering", answering)
    refused = step("refit", NAME, run="second", mlflow_run=second, until=NIGHT)
    (entry,) = ledger.read(catalog.load(NAME))[-1:]
    assert (refused.outcome, entry.kind, entry.evaluated) == ("skipped", "rejected", second)
    assert set(names) <= set(entry.failed)
    assert entry.reason.startswith("rejected: its refit: ")
    kept = json.loads(dataset.registry().fact(NAME, entry.facts["refit.json"]))
    assert kept["distance"] == refused.distance
    assert step("promote", NAME, run="second", mlflow_run=second).outcome == "skipped"
    assert champion_now() == "2"


class _Broken(Model):
    """A model that answers otherwise than the one it is made of."""

    def predict(self, table: Any) -> Any:
        model, said = self.estimator
        return said(model.predict(table))


def test_a_refit_that_is_too_big_is_refused(second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _won(second)
    local = models.local
    monkeypatch.setattr(models, "local", lambda run: (local(run)[0], 60e6))
    refused = step("refit", NAME, run="second", until=NIGHT)
    assert refused.reason == "rejected: its refit: size_mb is 60.0000, above its ceiling 50"
    assert ledger.read(catalog.load(NAME))[-1].failed == ("refit: size_mb",)


def test_a_refit_that_takes_too_long_waits_and_is_measured_again_on_later_nights(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _won(second)
    measured = [1001.0] * 5 + [1002.0, 1003.0, 999.0]
    monkeypatch.setattr(latency, "latency", lambda *_: Latency(measured.pop(0), 7.0))
    waits = step("refit", NAME, run="second", until=NIGHT)
    assert (waits.outcome, kinds()[-1]) == ("skipped", "delayed")
    assert waits.reason.startswith("waits: its refit: latency_ms is 1001.0000, above its ceiling 1000")
    with pytest.raises(RequestError, match="has no refit yet"):
        step("promote", NAME, run="second")
    following = shift(NIGHT, 1)
    ingest(NAME, following)
    live_night(following)
    again = step("duel", NAME, partition=following)
    assert (again.verdict, again.run) == ("promote", "second")
    done = step("refit", NAME, run="second", until=following)
    assert (done.outcome, done.mlflow_run, measured) == ("done", waits.mlflow_run, [])
    assert evaluations.read(catalog.load(NAME), done.mlflow_run).latency_ms == 999.0
    assert step("promote", NAME, run="second").version == champion_now()
    assert kinds()[-2:] == ["delayed", "promoted"]


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


def test_a_refit_keeps_a_baseline_of_its_own_days_and_the_numbers_of_what_was_judged(
    second: str, dueling: tuple[Path, str, str]
) -> None:
    loop = catalog.load(NAME)
    refit = records.read(loop, dueling[2])
    judged = records.read(loop, refit.evaluated)
    assert refit.baseline is not None
    assert judged.baseline is not None
    assert (refit.baseline.until, judged.baseline.until) == ("2013-01-11", "2013-01-07")
    with runs.connected() as client:
        ours, theirs = client.metrics(refit.run), client.metrics(judged.run)
        note = client.tags(refit.run)[train.NOTE]
    assert ours["baseline/loss"] == theirs["baseline/loss"] > ours["challenger/loss"]
    assert note.count("Baseline: ") == 1
    assert note.endswith(refit.baseline.words)
