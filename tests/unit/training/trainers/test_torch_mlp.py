"""The multilayer perceptron of PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import extensions
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
from ratchet.training.trainers import torch_mlp
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


@pytest.mark.parametrize("epoch", [(8, 8, 8, 3), (8, 3), (3,), (8, 8, 8, 8, 8), (8, 8, 8)])
def test_each_batch_is_stepped_once_whole_ones_by_one_recording(epoch: tuple[int, ...]) -> None:
    """A rest after the third step had let the recording be passed over: the card replayed what was never recorded."""
    stepped: list[int] = []
    recorded: list[int] = []

    def step(batch: Any) -> Any:
        stepped.append(len(batch))
        return batch

    def record(_: Any, batch: Any) -> Any:
        recorded.append(len(batch))
        return step

    one = torch_mlp._replayed(step, record, 8)
    for _ in range(6):
        for size in epoch:
            one(range(size))
    assert stepped == [*epoch] * 6
    assert recorded == ([8] if 8 in epoch else [])
