"""Estimate the loss of predictions whose labels have not come.

It is told from how often such predictions came true on the holdout: confidence-based performance estimation (Garg et
al. 2022, "Leveraging Unlabeled Data to Predict Out-of-Distribution Performance", section 3, names the idea and its
limit: it holds while the relation of prediction to outcome does). Predictions are calibrated class by class with
isotonic regression on the holdout; a row's expected loss is then the mean of its losses under each outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ratchet.contract.loop import Loop, Task
from ratchet.contract.rules import VALUE, Loss
from ratchet.training.metrics import row_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

Knots = Mapping[str, list[list[float]]]  # class -> predicted probabilities, and the shares that came true


def calibrate(task: Task, target: Vector, prediction: Vector) -> dict[str, list[list[float]]]:
    """Learn, for each class, what share of predictions came true.

    Nothing for a regression, which states no confidence.
    """
    from sklearn.isotonic import IsotonicRegression

    found: dict[str, list[list[float]]] = {}
    if task == "regression" or not len(target):
        return found
    probabilities = _classes(prediction)
    for k in range(probabilities.shape[1]):
        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probabilities[:, k], target == k)
        found[str(k)] = [fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist()]
    return found


def told(loop: Loop, knots: Knots) -> bool:
    """Say whether there is an estimate: not of a regression, nor of a value, which outcomes alone do not tell."""
    return bool(knots) and loop.loss != VALUE


def losses(loss: Loss, knots: Knots, prediction: Vector) -> Vector:
    """Return the expected loss of each row. knots: what `calibrate` learnt, of the same classes."""
    probabilities = _classes(prediction)
    count = probabilities.shape[1]
    shares = np.stack(
        [np.interp(probabilities[:, k], knots[str(k)][0], knots[str(k)][1]) for k in range(count)], axis=1
    )
    whole = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, whole, out=probabilities.copy(), where=whole > 0)
    outcomes = [row_losses(loss, np.full(len(prediction), k), prediction) for k in range(count)]
    return np.asarray((shares * np.stack(outcomes, axis=1)).sum(axis=1))


def _classes(prediction: Vector) -> Vector:
    return (
        prediction.astype(float)
        if prediction.ndim == 2
        else np.stack([1 - prediction, prediction], axis=1).astype(float)
    )
