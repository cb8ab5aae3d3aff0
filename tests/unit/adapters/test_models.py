"""Models in MLflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.lifecycle import predictions
from ratchet.settings import Settings
from ratchet.steps import snapshot
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
    with runs.connected() as client:
        ours = models.run_model(client, promoted.mlflow_run).predict(rows)
    assert np.array_equal(answered, ours)
    # Where Ratchet is not installed, the model brings what it needs of it.
    there = f"import mlflow; print(len(mlflow.pyfunc.load_model({str(folder)!r}).input_example))"
    environment = {**os.environ, "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-P", "-c", there], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) > 0


def test_a_damaged_copy_of_a_model_is_named(watched: Path) -> None:
    folder = Settings.current().models / "wind_watched" / "1"
    (folder / "ratchet.json").write_text("{")
    predictions.live(catalog.load("wind_watched"), NIGHT).unlink()
    with pytest.raises(DataError, match="Delete that folder"):
        step("score", "wind_watched", partition=NIGHT)
    shutil.rmtree(folder)
    assert step("score", "wind_watched", partition=NIGHT).new == 72


def test_a_model_is_registered_once_and_the_alias_moves(dueling: tuple[Path, str, str], second: str) -> None:
    with runs.connected() as client:
        assert models.champion(client, "wind_nobody") is None
        first = models.register(client, duels.NAME, dueling[2], "again")
        assert (first.number, first.run_id) == ("2", dueling[2])
        assert models.version(client, duels.NAME, "1").loop == duels.NAME
        models.set_champion(client, models.version(client, duels.NAME, "1"))
        found = models.champion(client, duels.NAME)
        assert found is not None
        assert found.number == "1"
        assert 1_000 < models.size(client, dueling[2]) < 50_000_000
