"""Models as they were judged: what is loaded is compared with the hash that the ledger has of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.data import tables
from ratchet.decisions.entries import Judged, Promoted, only
from ratchet.errors import DataError
from ratchet.lifecycle import ledger, predictions, proven
from ratchet.settings import Settings
from ratchet.training import model as stored
from tests.conftest import MlflowServer, step
from tests.given import rows
from tests.given.watched import NIGHT

NAME = "wind_watched"
REFUSED = r"in MLflow is not the model that was stored and judged: .* Nothing is predicted with it\. Bring MLflow's "


def _artifacts(server: MlflowServer, run: str) -> Path:
    """Find the folder of MLflow's artifact store that holds the files of a run's model."""
    with runs.connected() as client:
        model = client.tags(run)[runs.MODEL].removeprefix("models:/")
    (found,) = (path.parent for path in (server.folder / "artifacts").rglob("ratchet.json") if model in path.parts)
    return found


def _promoted() -> Promoted:
    (found,) = only(ledger.read(catalog.load(NAME)), Promoted)
    return found


@pytest.fixture
def artifacts(watched: Path, mlflow_server: MlflowServer, tmp_path: Path) -> Iterator[Path]:
    """The champion's files in MLflow's artifact store, and none of them here. What a test does to them is undone."""
    shutil.rmtree(Settings.current().models)
    predictions.live(catalog.load(NAME), NIGHT).unlink()
    run = _promoted().mlflow_run
    folder = _artifacts(mlflow_server, run)
    shutil.copytree(folder, tmp_path / "as it was")
    with runs.connected() as client:
        tag = client.tags(run)[models.SHA256]
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "as it was", folder)
    with runs.connected() as client:
        client.set_tag(run, models.SHA256, tag)


def _replace(folder: Path) -> None:
    """Put another model of the same loop in its place."""
    shutil.rmtree(folder)
    rows.breeze(catalog.load("wind"), seed=1).save(folder)


def _change(folder: Path) -> None:
    """Say the same in other bytes."""
    path = folder / "ratchet.json"
    path.write_bytes(path.read_bytes() + b"\n")


def _add(folder: Path) -> None:
    (folder / stored.TRAINER).write_text("raise SystemExit('I was run')\n")


def _lose(folder: Path) -> None:
    (folder / "model.skops").unlink()


def test_the_ledger_has_the_hash_of_what_was_stored(artifacts: Path) -> None:
    entries = only(ledger.read(catalog.load(NAME)), Judged)
    assert [each.kind for each in entries] == ["won", "promoted"]
    assert {each.model for each in entries} == {stored.digest(artifacts)}
    with runs.connected():
        assert proven.sha256(catalog.load(NAME), _promoted().mlflow_run) == stored.digest(artifacts)


@pytest.mark.parametrize("tamper", [_replace, _change, _add, _lose])
def test_a_model_whose_bytes_were_replaced_in_mlflow_is_refused(
    artifacts: Path, tamper: Callable[[Path], None]
) -> None:
    loop, run, judged = catalog.load(NAME), _promoted().mlflow_run, _promoted().model
    tamper(artifacts)
    with runs.connected() as client:
        client.set_tag(run, models.SHA256, stored.digest(artifacts))  # whoever replaces a model can replace its tag
        version = models.version(client, NAME, "1")
        for load in (
            lambda: proven.run_model(loop, run),
            lambda: proven.version_model(loop, version),
            lambda: proven.sha256(loop, run),
        ):
            with pytest.raises(DataError, match=REFUSED) as told:
                load()
            assert f"{stored.digest(artifacts)[:12]}…, which was {judged[:12]}…" in str(told.value)
            assert "\n" not in str(told.value)
    with pytest.raises(DataError, match=REFUSED):
        step("score", NAME, partition=NIGHT)
    assert not predictions.live(loop, NIGHT).exists()
    assert not [path for path in Settings.current().models.rglob("*") if path.is_file()]  # nothing of it stays here


def test_what_was_brought_back_is_loaded_again(artifacts: Path, tmp_path: Path) -> None:
    _change(artifacts)
    with pytest.raises(DataError, match=REFUSED):
        step("score", NAME, partition=NIGHT)
    shutil.copy(tmp_path / "as it was" / "ratchet.json", artifacts)
    assert step("score", NAME, partition=NIGHT).new == 72


@pytest.mark.parametrize("tamper", [_replace, _change, _add, _lose])
def test_a_copy_on_this_machine_that_was_changed_is_taken_again(
    watched: Path, caplog: pytest.LogCaptureFixture, tamper: Callable[[Path], None]
) -> None:
    folder, path = Settings.current().models / NAME / "1", predictions.live(catalog.load(NAME), NIGHT)
    before = tables.content_hash(tables.read_table(path))
    path.unlink()
    tamper(folder)
    assert stored.digest(folder) != _promoted().model
    assert step("score", NAME, partition=NIGHT).new == 72
    assert tables.content_hash(tables.read_table(path)) == before
    assert stored.digest(folder) == _promoted().model
    assert [each.getMessage() for each in caplog.records if "taken again" in each.getMessage()] == [
        f"the copy of models:/{NAME}/1 in {folder} was changed since it was made, and is taken again"
    ]


def test_a_copy_that_is_what_was_judged_asks_mlflow_for_nothing(artifacts: Path) -> None:
    assert step("score", NAME, partition=NIGHT).new == 72
    predictions.live(catalog.load(NAME), NIGHT).unlink()
    _change(artifacts)
    assert step("score", NAME, partition=NIGHT).new == 72


def test_what_was_never_judged_is_compared_with_the_hash_that_it_was_stored_with(
    wind: str, mlflow_server: MlflowServer
) -> None:
    loop = catalog.load(wind)
    step("snapshot", wind, run="first")
    run = step("train", wind, run="first").mlflow_run
    folder = _artifacts(mlflow_server, run)
    with runs.connected() as client:
        assert client.tags(run)[models.SHA256] == proven.sha256(loop, run) == stored.digest(folder)
    shutil.rmtree(Settings.current().models)
    _replace(folder)
    with runs.connected() as client:
        client.set_tag(run, models.SHA256, stored.digest(folder))  # whoever replaces a model can replace its tag
        with pytest.raises(DataError, match=REFUSED):
            proven.run_model(loop, run)
    with pytest.raises(DataError, match=REFUSED):
        step("evaluate", wind, run="first", mlflow_run=run)
    assert ledger.read(loop) == []


def test_a_model_that_no_step_has_made_is_not_loaded(wind: str, mlflow_server: MlflowServer, tmp_path: Path) -> None:
    """Whoever reaches MLflow's port can store a run of theirs, with code in it, and any tags."""
    import mlflow

    loop, code = catalog.load(wind), tmp_path / "model"
    rows.breeze(loop, seed=1).save(code)
    (code / stored.TRAINER).write_text("raise SystemExit('I was run')\n")
    with runs.connected() as client:
        run = runs.start_run(client, wind, "first", {}).run_id
        with mlflow.start_run(run_id=run):
            info = mlflow.pyfunc.log_model(name="model", loader_module="x", data_path=str(code), pip_requirements=[])
        client.set_tag(run, runs.MODEL, info.model_uri)
        client.set_tag(run, models.SHA256, stored.digest(code))
        version = models.register(client, wind, run, info.model_uri, "mine")
        for load in (lambda: proven.run_model(loop, run), lambda: proven.version_model(loop, version)):
            with pytest.raises(DataError, match=f"has no record of the MLflow run {run}"):
                load()
    step("snapshot", wind, run="first")
    with pytest.raises(DataError, match=r"Nothing of .* was trained under the key 'first'"):
        step("evaluate", wind, run="first")
