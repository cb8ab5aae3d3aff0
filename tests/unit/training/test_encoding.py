"""Feature tables as arrays."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from ratchet.errors import DataError
from ratchet.training import encoding
from tests.given.rows import rows


def test_a_binary_target_is_zero_or_one() -> None:
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], rows("binary"))
    with pytest.raises(DataError, match="must give 0, 1"):
        encoder.target_values(pa.table({"y": [0.0, 2.0]}))


def test_many_categories_keep_the_most_frequent() -> None:
    names = [f"c{i % 400}" for i in range(4000)] + ["c7"] * 50
    encoder = encoding.learn("regression", "y", ["k"], [], pa.table({"k": names, "y": [0.0] * len(names)}))
    assert len(encoder.vocabularies["k"]) == encoding.MOST_CATEGORIES
    assert "c7" in encoder.vocabularies["k"]
    assert encoding.Encoder.model_validate(json.loads(encoder.model_dump_json())) == encoder


def test_what_is_missing_or_unknown_is_told_apart_from_what_is_known() -> None:
    table = rows("multiclass")
    encoder = encoding.learn("multiclass", "y", ["kind"], ["x"], table)
    arrays = encoder.arrays(table)
    names, numbers = table.column("kind").to_pylist(), table.column("x").to_numpy()
    assert [encoder.vocabularies["kind"][code - 1] if code else None for code in arrays.codes[:, 0]] == names
    assert np.array_equal(np.isnan(arrays.numbers[:, 0]), np.isnan(numbers))
    assert abs(np.nanmean(arrays.numbers)) < 1e-3
    assert np.nanstd(arrays.numbers) == pytest.approx(1, abs=1e-3)
    assert [encoder.classes[int(code)] for code in arrays.target] == table.column("y").to_pylist()
    stranger = pa.table({"kind": ["z"], "x": [0.0], "y": ["never seen"]})
    assert encoder.arrays(stranger).codes[0, 0] == 0
    assert encoder.target_values(stranger)[0] == -1
