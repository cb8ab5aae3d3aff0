"""The multilayer perceptron of PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import extensions
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
from tests.given.rows import fitted, rows


def test_a_diverging_perceptron_is_refused() -> None:
    with pytest.raises(TrainingError, match="diverged"):
        fitted("regression", "torch_mlp", params={"learning_rate": 1e30, "dropout": 0.0})


def test_cuda_is_asked_for_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    table = rows("binary")
    encoder = encoding.learn("binary", "y", ["kind"], ["x"], table)
    module = extensions.find("trainers", "torch_mlp", Path())
    with pytest.raises(TrainingError, match="no CUDA device"):
        module.fit(
            module.Params(), trainers.Job("binary", 2, encoder.cardinalities, 0, "cuda"), encoder.arrays(table), None
        )
