"""Metrics of a holdout, and the loss of each row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ratchet.contract.loop import Task
from ratchet.training import metrics
from tests.given.rows import TASKS

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
