"""Training against a real MLflow server: what is kept with a run, who is promoted, what a crash leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.contract.loop import METRICS
from ratchet.contract.rules import Gate
from ratchet.data import features
from ratchet.errors import DataError, RequestError
from ratchet.lifecycle import dataset, ledger
from ratchet.settings import Settings
from ratchet.steps import evaluate, snapshot
from ratchet.training import evaluation
from ratchet.training.model import Model
from tests.conftest import ingest, lay, rename, step, train

DAYS = "2013-01-02..2013-01-14"


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Path:
    """Two weeks of the regression's data, ingested once for this file."""
    folder = tmp_path_factory.mktemp("two-weeks")
    with pytest.MonkeyPatch.context() as patch:
        lay(folder / "var", loops_folder, folder, patch.setenv)
        ingest("wind", DAYS)
    return folder / "var"


@pytest.fixture
def wind(tracked: Path, two_weeks: Path) -> Iterator[str]:
    """The regression with two weeks of data, and MLflow as if it had never heard of it."""
    shutil.copytree(two_weeks, tracked / "var", symlinks=True)
    yield "wind"
    with runs.connected() as client:
        experiment = client.raw.get_experiment_by_name("wind")
        if experiment is not None:
            client.raw.rename_experiment(experiment.experiment_id, f"wind-{experiment.experiment_id}")
        if client.raw.search_registered_models("name = 'wind'"):
            client.raw.delete_registered_model("wind")


def _kinds(name: str) -> list[str]:
    return [entry["kind"] for entry in ledger.read(catalog.load(name))]


def test_a_training_from_snapshot_to_champion(wind: str) -> None:
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
        evaluate.FILE,
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


def test_the_stored_model_is_served_by_mlflow_and_holds_no_pickle(wind: str, tmp_path: Path) -> None:
    import mlflow

    promoted = train(wind, "first")
    loop = catalog.load(wind)
    rows = snapshot.read(loop, snapshot.pinned(loop, "first").snapshot, "holdout")
    with runs.connected():
        served = mlflow.pyfunc.load_model(f"models:/{wind}@champion")
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{wind}/1", dst_path=str(tmp_path)))
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    assert served.metadata.signature is not None
    assert (folder / "input_example.json").exists()
    categorical, numeric = features.names(loop, rows.column_names)
    answered = served.predict(rows.select([*categorical, *numeric]).to_pandas())["prediction"].to_numpy()
    with runs.connected() as client:
        ours = models.run_model(client, promoted.mlflow_run).predict(rows)
    assert np.array_equal(answered, ours)


def test_twice_changes_nothing(wind: str) -> None:
    first = train(wind, "first")
    before = (dataset.registry().head(), _kinds(wind))
    again = train(wind, "first")
    assert (again.outcome, again.version, again.mlflow_run) == ("unchanged", first.version, first.mlflow_run)
    assert (dataset.registry().head(), _kinds(wind)) == before
    for name in ("snapshot", "train"):
        assert step(name, wind, run="first").outcome == "unchanged"
    with runs.connected() as client:
        assert len(client.raw.search_model_versions(f"name = '{wind}'")) == 1
        experiment = client.raw.get_experiment_by_name(wind)
        assert experiment is not None
        assert len(client.raw.search_runs([experiment.experiment_id])) == 1


def test_a_snapshot_stays_what_it_was(wind: str) -> None:
    first = step("snapshot", wind, run="first")
    ingest(wind, "2013-01-15..2013-01-16")
    assert step("snapshot", wind, run="first").snapshot == first.snapshot
    later = step("snapshot", wind, run="second")
    assert later.snapshot != first.snapshot
    assert later.holdout.endswith("2013-01-15")
    loop = catalog.load(wind)
    shutil.rmtree(snapshot.folder(loop, first.snapshot))
    rebuilt = step("snapshot", wind, run="first")
    assert (rebuilt.data_hash, rebuilt.snapshot) == (first.data_hash, first.snapshot)


def test_the_holdout_is_never_trained_on(wind: str) -> None:
    loop = catalog.load(wind)
    name = step("snapshot", wind, run="first").snapshot
    train_days, held = (
        {*snapshot.read(loop, name, part).column(features.PARTITION).to_pylist()} for part in ("train", "holdout")
    )
    assert max(train_days) < min(held)


def test_a_challenger_is_compared_on_rows_that_neither_has_seen_and_a_rollback_restores(wind: str) -> None:
    train(wind, "first")
    ingest(wind, "2013-01-15..2013-01-20")
    step("snapshot", wind, run="second")
    made = step("train", wind, run="second").mlflow_run
    judged = step("evaluate", wind, run="second", mlflow_run=made)
    assert judged.champion == "1"
    assert set(judged.champion_metrics) == set(judged.metrics)
    verdict = step("gate", wind, run="second", mlflow_run=made)
    assert verdict.days == 4
    assert verdict.low <= verdict.difference <= verdict.high
    assert _kinds(wind) == ["promoted"] + {"promote": [], "reject": ["rejected"], "wait": ["waiting"]}[verdict.verdict]
    page = (Settings.current().reports / wind / "decisions" / verdict.report).read_text()
    assert "Model card" in page
    assert "http" not in page.replace("data:image", "")
    again = step("gate", wind, run="second", mlflow_run=made)
    assert (again.verdict, again.difference, again.days) == (verdict.verdict, verdict.difference, verdict.days)
    promoted = step("promote", wind, run="second", mlflow_run=made)
    assert promoted.outcome == ("done" if verdict.verdict == "promote" else "skipped")
    # However the numbers fell: let it through, and take it back.
    with runs.connected() as client:
        client.set_tag(made, "ratchet.verdict", "promote")
    assert step("promote", wind, run="second", mlflow_run=made).version == "2"
    loop = catalog.load(wind)
    assert ledger.rollback(loop, "a test")["version"] == "1"
    with runs.connected() as client:
        champion = models.champion(client, wind)
    assert champion is not None
    assert champion.number == "1"
    assert _kinds(wind)[-1] == "rolled_back"
    with pytest.raises(RequestError, match="first champion"):
        ledger.rollback(loop, "again")


def test_days_that_the_champion_was_trained_on_are_left_out() -> None:
    """A champion with a later window, restored by a rollback, say, has seen days of the holdout."""
    import pyarrow as pa

    loop = catalog.load("flight_delays")

    class Half(Model):
        def of_arrays(self, codes: np.ndarray, numbers: np.ndarray) -> np.ndarray:
            return np.full(len(codes), 0.5)

    from ratchet.training.encoding import learn

    rows = pa.table({features.PARTITION: ["a", "a", "b", "c"], "late": [0, 1, 1, 0]})
    half = Half("x", learn("binary", "late", [], [], rows), None, None)
    loop = loop.model_copy(update={"gate": Gate()})
    found = evaluation.compare(
        loop, rows, evaluation.of_model(half, rows), evaluation.of_models({"b": half, "c": half}, rows)
    )
    assert found["compared"] == [["b", 1, 0.0, 0], ["c", 1, 0.0, 0]]
    assert found["rows"] == 4
    assert "champion" not in found["days"]["a"]


def test_a_challenger_below_its_floor_is_held_and_never_registered(wind: str, tracked: Path) -> None:
    path = tracked / "loops" / wind / "loop.yaml"
    path.write_text(path.read_text().replace("mae: {max: 10}", "mae: {max: 0.001}"))
    held = train(wind, "first")
    assert held.outcome == "skipped"
    assert "mae is" in held.reason
    assert _kinds(wind) == ["rejected"]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        assert not client.raw.search_model_versions(f"name = '{wind}'")


@pytest.mark.parametrize("moment", ["register", "set_champion"])
def test_a_promotion_that_crashes_is_completed_by_a_retry(
    wind: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """After the model is registered; and between the ledger and the alias, where any next call heals the alias."""
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    for name in ("evaluate", "gate"):
        step(name, wind, run="first", mlflow_run=made)
    real = getattr(models, moment)

    def crash(*arguments: object) -> None:
        if moment == "register":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(models, moment, crash)
        with pytest.raises(KeyboardInterrupt):
            step("promote", wind, run="first", mlflow_run=made)
    assert _kinds(wind) == {"register": [], "set_champion": ["promoted"]}[moment]
    with runs.connected() as client:
        assert models.champion(client, wind) is None
        healed = ledger.champion(client, catalog.load(wind))
        assert (healed and healed.number) == {"register": None, "set_champion": "1"}[moment]
    assert step("promote", wind, run="first", mlflow_run=made).version == "1"
    assert _kinds(wind) == ["promoted"]
    with runs.connected() as client:
        assert len(client.raw.search_model_versions(f"name = '{wind}'")) == 1


def test_a_training_that_crashes_takes_its_run_up_again(wind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step("snapshot", wind, run="first")
    with monkeypatch.context() as patched:
        patched.setattr(models, "log_model", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            step("train", wind, run="first")
    with pytest.raises(DataError, match="has no model"), runs.connected() as client:
        experiment = client.raw.get_experiment_by_name(wind)
        assert experiment is not None
        (ghost,) = client.raw.search_runs([experiment.experiment_id])
        models.run_model(client, ghost.info.run_id)
    assert step("train", wind, run="first").mlflow_run == ghost.info.run_id


def test_promote_wants_a_verdict(wind: str) -> None:
    step("snapshot", wind, run="first")
    made = step("train", wind, run="first").mlflow_run
    with pytest.raises(RequestError, match="has not passed the gate"):
        step("promote", wind, run="first", mlflow_run=made)


def test_too_few_days(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_few")
    ingest(name, "2013-01-02..2013-01-05")
    with pytest.raises(DataError, match="Ingest more days"):
        step("snapshot", name, run="first")


@pytest.mark.parametrize("trainer", ["gradient_boosting", "torch_mlp"])
def test_three_classes_through_the_whole_loop(tracked: Path, trainer: str) -> None:
    name = rename(tracked, "flight_classes", f"flight_classes_{trainer}")
    path = tracked / "loops" / name / "loop.yaml"
    text = path.read_text().replace("holdout_days: 7", "holdout_days: 3")
    head, _, tail = text.partition("  trainer: gradient_boosting")
    rest = tail[tail.index("\ngate:") :].replace(
        "deploy: refit", "deploy: refit\n  refit_distance: 2"
    )  # three days beside six
    params = {"gradient_boosting": "{max_iter: 20}", "torch_mlp": "{max_epochs: 3}"}[trainer]
    path.write_text(f"{head}  trainer: {trainer}\n  window: expanding\n  holdout_days: 3\n  params: {params}\n{rest}")
    ingest(name, "2013-01-02..2013-01-08")
    assert train(name, "first", until="2013-01-07").outcome == "done"
    assert step("score", name, partition="2013-01-08").rows > 500
    ingest(name, "2013-01-09")
    assert step("drift", name, partition="2013-01-09").days == 7
    measured = step("performance", name, partition="2013-01-09")
    assert measured.days["2013-01-08"]["2"]["accuracy"] > 0.3
    assert step("decide", name, partition="2013-01-09").verdict in ("retrain", "wait")
    assert Settings.current().predictions.is_dir()
