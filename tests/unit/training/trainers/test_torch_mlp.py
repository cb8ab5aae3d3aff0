"""The multilayer perceptron of PyTorch."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet import extensions
from ratchet.errors import TrainingError
from ratchet.training import encoding, trainers
from ratchet.training.trainers import torch_mlp
from tests.given.rows import CPU, fitted, rows


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


def test_rows_on_the_disk_give_the_same_model_and_are_not_copied(tmp_path: Path) -> None:
    import torch

    count, rng = 60_000, np.random.default_rng(0)
    numbers = rng.normal(size=(count, 40)).astype(np.float32)
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    given = {
        "codes": rng.integers(0, 5, (count, 2)),
        "numbers": numbers,
        "target": rng.integers(0, 2, count).astype(float),
    }
    laid = {}
    for name, array in given.items():
        np.save(tmp_path / f"{name}.npy", array)
        laid[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r+")
    params = torch_mlp.Params(hidden=(4,), max_epochs=2, batch_size=4096)

    def fitted_on(arrays: dict[str, Any], rows: int) -> Any:
        of = trainers.Arrays(**{name: array[:rows] for name, array in arrays.items()})
        return torch_mlp.fit(params, trainers.Job("binary", 2, (5, 5), 1, CPU), of, None)[0]

    model = fitted_on(given, count)
    tracemalloc.start()
    other = fitted_on(laid, count)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for one, same in zip(model.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(one, same)
    assert most < numbers.nbytes / 4


def test_a_loss_that_is_watched_in_parts_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = fitted("binary", "torch_mlp", params={"max_epochs": 3})
    monkeypatch.setattr(torch_mlp, "WATCHED", 64)
    _, parts = fitted("binary", "torch_mlp", params={"max_epochs": 3})
    assert parts.valid == pytest.approx(whole.valid, rel=1e-6)
