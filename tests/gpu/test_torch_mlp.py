"""The torch trainer on a card: `make test-gpu`, on a machine that has one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ratchet.contract.loop import Task
from ratchet.errors import OutOfMemory
from ratchet.training import metrics, model
from tests.given.rows import TASKS, fitted, rows


@pytest.mark.parametrize("task", TASKS)
def test_what_was_learnt_on_the_card_is_stored_and_answers_on_the_cpu(task: Task, tmp_path: Path) -> None:
    torch.cuda.reset_peak_memory_stats()
    made, curve = fitted(task, "torch_mlp", device="auto")
    assert torch.cuda.max_memory_allocated() > 0, "it was not trained on the card"
    unseen = rows(task, 400, 2)
    found = metrics.measure(task, made.encoder.target_values(unseen), made.predict(unseen))
    assert found.get("r2", 1) > 0.8
    assert found.get("roc_auc", 1) > 0.9
    assert found.get("accuracy", 1) > 0.8
    assert curve.valid[-1] < curve.valid[0]
    made.save(tmp_path)
    assert np.array_equal(model.load(tmp_path).predict(unseen), made.predict(unseen))


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_bits_on_the_same_card(task: Task) -> None:
    """In batches that leave a rest, and in ones so large that embeddings are added up by many threads at once."""
    unseen, train = rows(task, 100, 3), rows(task, 40_000)
    for size in (96, 13_000, 32_768):  # 416, three and one whole batches, and a rest
        params = {"batch_size": size, "hidden": [512], "max_epochs": 3}
        one, other = (
            fitted(task, "torch_mlp", seed=4, params=params, device="cuda", train=train)[0].predict(unseen)
            for _ in range(2)
        )
        assert np.array_equal(one, other), size


@pytest.mark.parametrize("task", TASKS)
def test_a_card_and_a_cpu_learn_the_same(task: Task) -> None:
    """From the same weights, in the same order; what differs is the rounding of bfloat16."""
    params = {"dropout": 0.0, "max_epochs": 10, "batch_size": 128}
    losses = [fitted(task, "torch_mlp", params=params, device=device)[1].valid[-1] for device in ("cpu", "cuda")]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_a_step_that_was_forked_after_torch_was_imported_reaches_the_card() -> None:
    """As the fork server's steps are: torch is imported before the fork, the card first asked for after it."""
    lines = [
        "import os, torch",
        "from tests.given.rows import fitted",
        "child = os.fork()",
        "if not child: fitted('binary', 'torch_mlp', device='cuda'); os._exit(0)",
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_card_without_room_is_named() -> None:
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-4)  # some megabytes
    try:
        with pytest.raises(OutOfMemory, match=r"no room for 600 rows.*training\.params\.batch_size"):
            fitted("binary", "torch_mlp", params={"hidden": [8192, 8192]}, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
