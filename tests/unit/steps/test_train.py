"""Train: a run in MLflow, whole or taken up again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import METRICS
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.lifecycle import evaluations, proven, records
from ratchet.steps import snapshot
from ratchet.steps import train as train_step
from ratchet.training.baseline import Baseline
from tests.conftest import step, train


def test_a_training_from_snapshot_to_champion(wind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SAMPLING", 0.02)  # so short a training is over before the first look
    loop = catalog.load(wind)
    pinned = step("snapshot", wind, run="first")
    assert (pinned.train, pinned.holdout) == (
        "2013-01-02..2013-01-09",
        "2013-01-10..2013-01-13",
    )  # the 14th has no labels yet
    promoted = train(wind, "first")
    assert (promoted.outcome, promoted.version) == ("done", "1")
    with runs.connected() as client:
        run = client.raw.get_run(promoted.mlflow_run)
        versions = client.raw.search_model_versions(f"name = '{wind}'")
        curve = client.raw.get_metric_history(promoted.mlflow_run, "loss/valid")
        files = {
            item.path
            for folder in ("", "figures", "contract", "monitor", "evaluation")
            for item in client.raw.list_artifacts(run.info.run_id, folder)
        }
        info = client.raw.get_model_version(wind, "1")
    assert run.info.status == "FINISHED"
    assert run.data.params["trainer"] == "gradient_boosting"
    assert len(curve) > 5
    assert [metric.step for metric in curve] == list(range(len(curve)))
    assert {f"challenger/{name}" for name in METRICS["regression"]} <= set(run.data.metrics)
    assert any(name.startswith("system/") for name in run.data.metrics)
    assert {
        "figures/learning_curve.png",
        "figures/predicted.png",
        "contract/loop.yaml",
        "monitor/thresholds.json",
        evaluations.FILE,
    } <= files
    (used,) = run.inputs.dataset_inputs
    assert json.loads(used.dataset.source)["tags"]["registry.revision"] == pinned.revision
    assert used.dataset.digest == pinned.data_hash[:36]
    tags = run.data.tags
    assert tags["code.dirty"] in ("true", "false")
    assert len(tags["code.revision"]) == 40
    assert len(tags["environment.hash"]) == 16
    assert tags["data.revision"] == pinned.revision
    assert [version.version for version in versions] in (["1"], [1])
    assert info.aliases == ["champion"]
    assert loop.loss == "squared_error"


def test_a_training_that_crashes_takes_its_run_up_again(wind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step("snapshot", wind, run="first")
    with monkeypatch.context() as patched:
        patched.setattr(models, "log_model", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            step("train", wind, run="first")
    with runs.connected() as client:
        experiment = client.raw.get_experiment_by_name(wind)
        assert experiment is not None
        (ghost,) = client.raw.search_runs([experiment.experiment_id])
    with pytest.raises(DataError, match="no record of the MLflow run"):
        proven.run_model(catalog.load(wind), ghost.info.run_id)
    assert step("train", wind, run="first", reason="again").mlflow_run == ghost.info.run_id
    with runs.connected() as client:
        assert client.tags(ghost.info.run_id)["ratchet.reason"] == "again"  # as the record says


def test_the_record_of_a_training_says_what_was_made_of_what_and_for_whom(wind: str) -> None:
    pinned = step("snapshot", wind, run="first")
    made = step("train", wind, run="first", reason="a test", asked_by="ada")
    found = records.of_key(catalog.load(wind), "first")
    assert found is not None
    assert (found.run, found.key, found.reason, found.asked_by) == (made.mlflow_run, "first", "a test", "ada")
    assert found.trained == ("2013-01-02", "2013-01-09")
    assert found.held_out == ("2013-01-10", "2013-01-13")
    assert found.data["revision"] == pinned.revision
    assert found.seconds == made.seconds > 0
    assert sorted(found.files) == ["monitor/counts.json", "monitor/reference.parquet", "monitor/thresholds.json"]
    again = step("train", wind, run="first", reason="another", asked_by="eve")
    assert (again.outcome, records.of_key(catalog.load(wind), "first")) == ("unchanged", found)


def test_the_note_of_a_run_holds_no_markup_of_a_reason(wind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow shows a note as HTML."""
    noted: list[str] = []

    def start(*arguments: Any) -> None:
        noted.append(arguments[-1]["mlflow.note.content"])
        raise KeyboardInterrupt

    step("snapshot", wind, run="first")
    monkeypatch.setattr(runs, "start_run", start)
    with pytest.raises(KeyboardInterrupt):
        step("train", wind, run="first", reason="<img src=x onerror=alert(1)>")
    assert noted[0].endswith("Trained because: &lt;img src=x onerror=alert(1)&gt;")


def test_a_baseline_is_trained_with_the_model(wind: str) -> None:
    loop = catalog.load(wind)
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first")
    found = records.read(loop, made.mlflow_run).baseline
    assert found is not None
    rows = snapshot.read(loop, snapshot.pinned(loop, "first").snapshot, snapshot.TRAIN)
    days = np.array(rows.column(features.PARTITION).to_pylist())
    assert (found.until, found.kind[:8]) == (max(days), "mean of ")
    taught = np.array(rows.column("wind"))[days >= found.first]
    assert (found.rows, found.values) == (len(taught), pytest.approx((taught.mean(),)))
    with runs.connected() as client:
        kept = runs.read_file(client, made.mlflow_run, train_step.BASELINE)
        note = client.tags(made.mlflow_run)[train_step.NOTE]
    assert Baseline.model_validate_json(kept) == found
    assert note.endswith(f"\n\nBaseline: {found.words}")
