"""Models in MLflow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.lifecycle import predictions, proven
from ratchet.settings import Settings
from ratchet.steps import snapshot
from ratchet.training import model as stored_model
from tests.conftest import step, train
from tests.given import duels
from tests.given.watched import NIGHT


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
    with runs.connected():
        ours = proven.run_model(loop, promoted.mlflow_run).predict(rows)
    assert np.array_equal(answered, ours)
    # Where Ratchet is not installed, the model brings what it needs of it.
    there = f"import mlflow; print(len(mlflow.pyfunc.load_model({str(folder)!r}).input_example))"
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-P", "-c", there], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 0


def test_a_copy_that_was_changed_is_taken_again(watched: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = Settings.current().models / "wind_watched" / "1"
    known = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "ratchet.json").write_text("{")
    predictions.live(catalog.load("wind_watched"), NIGHT).unlink()
    assert step("score", "wind_watched", partition=NIGHT).new == 72
    assert f"the copy of models:/wind_watched/1 in {folder} was changed since it was made" in caplog.text
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == known


def test_a_model_that_is_not_the_one_that_was_judged_is_refused_and_no_copy_of_it_is_kept(watched: Path) -> None:
    folder = Settings.current().models / "wind_watched" / "1"
    with runs.connected() as client:
        version = models.version(client, "wind_watched", "1")
        stored = client.tags(version.run_id)[models.SHA256]
        uri = client.tags(version.run_id)[runs.MODEL]
        for load in (models.version_model, lambda each, sha: models.run_model(duels.NAME, uri, each.run_id, sha)):
            with pytest.raises(DataError, match="is not the model that was stored and judged") as caught:
                load(version, "0" * 64)
            assert f"the SHA-256 {stored[:12]}…, which was 000000000000…" in str(caught.value)
        assert not folder.exists()
        models.version_model(version, stored)
        assert models.digest(uri) == stored
    assert folder.exists()


def test_a_model_that_cannot_be_read_is_named(watched: Path) -> None:
    folder = Settings.current().models / "wind_watched" / "1"
    (folder / "ratchet.json").write_text("{")
    with pytest.raises(DataError, match=f"The copy of models:/wind_watched/1 in {folder} is damaged: .* Delete that"):
        models._load("wind_watched", "models:/wind_watched/1", folder, stored_model.digest(folder))


def test_what_is_no_model_of_ratchets_says_so(watched: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"is not a model of Ratchet: it holds no ratchet\.json"):
        models.digest((tmp_path / "empty").as_uri())


def test_a_model_is_registered_once_and_the_alias_moves(dueling: tuple[Path, str, str], second: str) -> None:
    with runs.connected() as client:
        assert models.champion(client, "wind_nobody") is None
        uri = client.tags(dueling[2])[runs.MODEL]
        first = models.register(client, duels.NAME, dueling[2], uri, "again")
        assert (first.number, first.run_id) == ("2", dueling[2])
        assert models.version(client, duels.NAME, "1").loop == duels.NAME
        models.set_champion(client, models.version(client, duels.NAME, "1"))
        found = models.champion(client, duels.NAME)
        assert found is not None
        assert found.number == "1"
        assert {"1", "2"} <= {each.number for each in models.versions(client, duels.NAME)}
        assert models.versions(client, "wind_nobody") == []
        models.run_model(duels.NAME, uri, dueling[2], client.tags(dueling[2])[models.SHA256])
        sha256, size = models.local(dueling[2])
        assert sha256 == client.tags(dueling[2])[models.SHA256]
        assert 1_000 < size < 50_000_000
