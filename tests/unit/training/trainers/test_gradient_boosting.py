"""Gradient boosting of scikit-learn."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import extensions
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
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
