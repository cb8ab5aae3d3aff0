"""Gradient boosting of scikit-learn."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet import extensions
from ratchet.contract.loop import Task
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
from ratchet.training.trainers import gradient_boosting
from tests.given.rows import CPU, rows


def test_a_single_class_is_refused() -> None:
    table = rows("binary")
    table = table.set_column(2, "y", pa.array([1.0] * table.num_rows))
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], table)
    module = extensions.find("trainers", "gradient_boosting", Path())
    with pytest.raises(TrainingError, match="single class"):
        module.fit(
            module.Params(), trainers.Job("binary", 2, encoder.cardinalities, 0, CPU), encoder.arrays(table), None
        )


def test_a_model_with_foreign_types_is_not_loaded(tmp_path: Path) -> None:
    import fractions

    import skops.io

    skops.io.dump({"x": fractions.Fraction(1, 3)}, tmp_path / "model.skops")
    with pytest.raises(TrainingError, match="not scikit-learn's"):
        extensions.find("trainers", "gradient_boosting", Path()).load(tmp_path)


@pytest.mark.parametrize(
    ("task", "classes", "features"), [("regression", 1, 12), ("binary", 1, 3), ("multiclass", 9, 4)]
)
def test_a_fit_takes_no_more_memory_than_it_says(task: Task, classes: int, features: int) -> None:
    count, rng = 60_000, np.random.default_rng(0)
    codes, numbers = rng.integers(0, 9, (count, 1)), rng.normal(size=(count, features - 1)).astype(np.float32)
    target = rng.integers(0, max(classes, 2), count).astype(float)
    params = gradient_boosting.Params(max_iter=2)

    def fit(rows: int) -> None:
        job = trainers.Job(task, max(classes, 2), (9,), 0, CPU)
        given = trainers.Arrays(codes[:rows], numbers[:rows], target[:rows])
        gradient_boosting.fit(params, job, given, None)

    fit(500)  # what libraries hold
    tracemalloc.start()
    fit(count)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = gradient_boosting.needs(params, count, features, classes)
    assert told / 3 < most <= told
