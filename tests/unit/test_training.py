"""Trainers, encoding, metrics: each kind of task, each trainer, saved and loaded without pickle."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ratchet import extensions
from ratchet.contract.loop import METRICS, Task
from ratchet.errors import DataError, TrainingError
from ratchet.reports import figures
from ratchet.training import encoding, metrics, model, trainers

TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
CPU = "cpu"


def _rows(task: Task, count: int = 600, seed: int = 0) -> pa.Table:
    """Rows with a signal: a category and a number decide the target; some numbers and categories are missing."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, 4, count)
    number = rng.normal(size=count)
    signal = category + 2 * number + 0.3 * rng.normal(size=count)
    target = {
        "binary": (signal > 1).astype(float),
        "regression": signal * 10 + 100,
        "multiclass": np.array(["low", "mid", "top"])[np.digitize(signal, [0, 3])],
    }[task]
    names = np.array(["a", "b", "c", "d"], dtype=object)[category]
    names[::50] = None
    number[::40] = np.nan
    return pa.table({"kind": pa.array(names, pa.string()), "x": number, "y": pa.array(target.tolist())})


def _fit(
    task: Task, trainer: str, seed: int = 1, params: dict[str, object] | None = None
) -> tuple[model.Model, trainers.Curve]:
    train, late = _rows(task), _rows(task, 200, 1)
    encoder = encoding.learn(task, "y", ["kind"], ["x"], train)
    module = extensions.find("trainers", trainer, Path())
    job = trainers.Job(task, max(2, len(encoder.classes)), encoder.cardinalities, seed, CPU)
    fitted, curve = module.fit(
        module.Params.model_validate(params or {}), job, encoder.arrays(train), encoder.arrays(late)
    )
    return model.Model(trainer, encoder, fitted, module), curve


@pytest.mark.parametrize("trainer", extensions.names("trainers", Path()))
@pytest.mark.parametrize("task", TASKS)
def test_a_trainer_learns_saves_and_loads(task: Task, trainer: str, tmp_path: Path) -> None:
    made, curve = _fit(task, trainer)
    unseen = _rows(task, 400, 2)
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
    unseen = _rows("binary", 100, 3)
    one, other = (_fit("binary", trainer, seed=4)[0].predict(unseen) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("trainer", extensions.names("trainers", Path()))
def test_no_rows_and_unknown_categories(trainer: str) -> None:
    made, _ = _fit("binary", trainer)
    assert made.predict(_rows("binary", 10).slice(0, 0)).shape == (0,)
    strange = pa.table({"kind": ["never seen", None], "x": pa.array([None, math.inf], pa.float64())})
    assert np.isfinite(made.predict(strange)).all()
    with pytest.raises(DataError, match="lack x"):
        made.predict(strange.drop_columns(["x"]))


def test_a_diverging_perceptron_is_refused() -> None:
    with pytest.raises(TrainingError, match="diverged"):
        _fit("regression", "torch_mlp", params={"learning_rate": 1e30, "dropout": 0.0})


def test_a_single_class_is_refused() -> None:
    rows = _rows("binary")
    rows = rows.set_column(2, "y", pa.array([1.0] * rows.num_rows))
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], rows)
    module = extensions.find("trainers", "gradient_boosting", Path())
    with pytest.raises(TrainingError, match="single class"):
        module.fit(
            module.Params(), trainers.Job("binary", 2, encoder.cardinalities, 0, CPU), encoder.arrays(rows), None
        )


def test_cuda_is_asked_for_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = _rows("binary")
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], rows)
    module = extensions.find("trainers", "torch_mlp", Path())
    with pytest.raises(TrainingError, match="no CUDA device"):
        module.fit(
            module.Params(), trainers.Job("binary", 2, encoder.cardinalities, 0, "cuda"), encoder.arrays(rows), None
        )


def test_a_model_with_foreign_types_is_not_loaded(tmp_path: Path) -> None:
    import fractions

    import skops.io

    skops.io.dump({"x": fractions.Fraction(1, 3)}, tmp_path / "model.skops")
    with pytest.raises(TrainingError, match="not scikit-learn's"):
        extensions.find("trainers", "gradient_boosting", Path()).load(tmp_path)


def test_a_binary_target_is_zero_or_one() -> None:
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], _rows("binary"))
    with pytest.raises(DataError, match="must give 0, 1"):
        encoder.target_values(pa.table({"y": [0.0, 2.0]}))


def test_many_categories_keep_the_most_frequent() -> None:
    names = [f"c{i % 400}" for i in range(4000)] + ["c7"] * 50
    encoder = encoding.learn("regression", "y", ["k"], [], pa.table({"k": names, "y": [0.0] * len(names)}))
    assert len(encoder.vocabularies["k"]) == encoding.MOST_CATEGORIES
    assert "c7" in encoder.vocabularies["k"]
    assert encoding.Encoder.model_validate(json.loads(encoder.model_dump_json())) == encoder


chances = hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1))


@given(chances, st.randoms(use_true_random=False))
def test_log_loss_is_finite_and_scikit_learns(predicted: np.ndarray, random: object) -> None:
    from sklearn.metrics import log_loss

    target = np.array([float(random.random() < 0.5) for _ in predicted])  # type: ignore[attr-defined]
    losses = metrics.row_losses("log_loss", target, predicted)
    assert np.isfinite(losses).all()
    assert (losses >= 0).all()
    clipped = np.clip(predicted, metrics.EPSILON, 1 - metrics.EPSILON)
    assert losses.mean() == pytest.approx(log_loss(target, clipped, labels=[0, 1]))
    assert 0 <= metrics.calibration_error(target, predicted) <= 1


def test_a_class_that_training_has_not_seen_costs_the_most() -> None:
    losses = metrics.row_losses("log_loss", np.array([-1.0, 0.0]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    assert losses[0] == pytest.approx(-math.log(metrics.EPSILON))
    assert losses[1] == 0


@pytest.mark.parametrize("task", TASKS)
def test_no_rows_and_one_row_have_metrics(task: Task) -> None:
    shape = (1, 3) if task == "multiclass" else (1,)
    assert metrics.measure(task, np.zeros(0), np.zeros((0, *shape[1:]))) == {}
    found = metrics.measure(task, np.zeros(1), np.full(shape, 0.3))
    assert found
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("task", TASKS)
def test_figures_are_pictures(task: Task) -> None:
    made, curve = _fit(task, "gradient_boosting", params={"max_iter": 5})
    rows = _rows(task, 100, 5)
    drawn = figures.of_holdout(
        task, made.encoder.classes, made.encoder.target_values(rows), {"challenger": made.predict(rows)}
    )
    assert drawn
    for picture in (*drawn.values(), figures.of_curve(curve)):
        assert picture.startswith(b"\x89PNG")
