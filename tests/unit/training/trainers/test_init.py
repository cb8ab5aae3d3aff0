"""What every trainer holds to: it learns, is stored without pickle, and gives the same bits again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet import extensions
from ratchet.contract.loop import METRICS, Task
from ratchet.errors import DataError
from ratchet.training import metrics, model
from tests.given.rows import TASKS, fitted, rows


@pytest.mark.parametrize("trainer", extensions.names("trainers", Path()))
@pytest.mark.parametrize("task", TASKS)
def test_a_trainer_learns_saves_and_loads(task: Task, trainer: str, tmp_path: Path) -> None:
    made, curve = fitted(task, trainer)
    unseen = rows(task, 400, 2)
    target, predicted = made.encoder.target_values(unseen), made.predict(unseen)
    found = metrics.measure(task, target, predicted)
    assert set(found) <= set(METRICS[task])
    if task == "regression":
        assert found["r2"] > 0.8
    elif task == "binary":
        assert found["roc_auc"] > 0.95
    else:
        assert found["accuracy"] > 0.8
        assert np.allclose(predicted.sum(axis=1), 1)
    assert len(curve.train) >= 1
    assert curve.valid[-1] < curve.valid[0]
    made.save(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".pt", ".joblib")]
    loaded = model.load(tmp_path)
    assert np.array_equal(loaded.predict(unseen), predicted)
    served = model.PyfuncModel(loaded).predict(unseen.drop_columns(["y"]).to_pandas())
    assert np.array_equal(served.to_numpy().reshape(predicted.shape), predicted)


@pytest.mark.parametrize("trainer", extensions.names("trainers", Path()))
def test_the_same_seed_gives_the_same_bits(trainer: str) -> None:
    unseen = rows("binary", 100, 3)
    one, other = (fitted("binary", trainer, seed=4)[0].predict(unseen) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("trainer", extensions.names("trainers", Path()))
def test_no_rows_and_unknown_categories(trainer: str) -> None:
    made, _ = fitted("binary", trainer)
    assert made.predict(rows("binary", 10).slice(0, 0)).shape == (0,)
    strange = pa.table({"kind": ["never seen", None], "x": pa.array([None, math.inf], pa.float64())})
    assert np.isfinite(made.predict(strange)).all()
    with pytest.raises(DataError, match="lack x"):
        made.predict(strange.drop_columns(["x"]))
