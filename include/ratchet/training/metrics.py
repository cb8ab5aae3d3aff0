"""Metrics of a holdout, and the loss of each row that comparisons are made of.

A metric of your own is a file `metrics/<name>.py` in the loop's folder, or an entry point in the group
`ratchet.metrics` (see ratchet.extensions), with `measure(target, prediction) -> float`; it is measured where
`gate.floors` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet import extensions
from ratchet.contract.loop import METRICS, Loop, Task
from ratchet.contract.rules import Loss

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

ORDERS = ("roc_auc", "average_precision")  # say how rows are ordered: nothing of who answers the same for all of a day
EPSILON = 1e-7  # probabilities are clipped here, so that one certain mistake costs 16 nats and not infinity


def row_losses(loss: Loss, target: Vector, prediction: Vector) -> Vector:
    """Return the loss of each row (n,), in nats, squared probability or the target's own units."""
    import numpy as np

    if loss == "log_loss" and prediction.ndim == 2:
        known = target >= 0
        chosen = prediction[np.arange(len(target)), np.where(known, target, 0).astype(int)]
        return np.asarray(-np.log(np.clip(np.where(known, chosen, 0.0), EPSILON, 1.0)))
    if loss == "log_loss":
        clipped = np.clip(prediction, EPSILON, 1 - EPSILON)
        return np.asarray(-(target * np.log(clipped) + (1 - target) * np.log(1 - clipped)))
    if loss == "absolute_error":
        return np.asarray(np.abs(target - prediction))
    return np.asarray((target - prediction) ** 2)


def measured(loop: Loop, target: Vector, prediction: Vector) -> dict[str, float]:
    """Return the task's metrics, and those of the loop's own that its floors name."""
    found = measure(loop.task, target, prediction)
    for name in loop.gate.floors if len(target) else ():
        if name not in METRICS[loop.task]:
            found[name] = float(extensions.find("metrics", name, loop.folder).measure(target, prediction))
    return found


def measure(task: Task, target: Vector, prediction: Vector) -> dict[str, float]:
    """Return the task's metrics; one that is undefined on these rows (AUC of a single class) is left out."""
    import numpy as np
    from sklearn import metrics

    if not len(target):
        return {}
    if task == "regression":
        found = {
            "mae": metrics.mean_absolute_error(target, prediction),
            "rmse": metrics.root_mean_squared_error(target, prediction),
        }
        if len(target) > 1 and np.ptp(target) > 0:
            found["r2"] = metrics.r2_score(target, prediction)
    elif task == "multiclass":
        chosen = prediction.argmax(axis=1)
        found = {
            "log_loss": row_losses("log_loss", target, prediction).mean(),
            "accuracy": metrics.accuracy_score(target, chosen),
            "f1_macro": metrics.f1_score(target, chosen, average="macro", zero_division=0),
        }
    else:
        found = {
            "log_loss": row_losses("log_loss", target, prediction).mean(),
            "brier": row_losses("brier", target, prediction).mean(),
            "calibration_error": calibration_error(target, prediction),
        }
        if len(np.unique(target)) == 2:
            found["roc_auc"] = metrics.roc_auc_score(target, prediction)
            found["average_precision"] = metrics.average_precision_score(target, prediction)
    return {name: float(value) for name, value in found.items()}


def calibration_error(target: Vector, prediction: Vector, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins (Naeini et al. 2015, section 3.2)."""
    import numpy as np

    index = np.minimum((prediction * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    gap = np.abs(np.bincount(index, weights=target - prediction, minlength=bins))
    return float(gap[count > 0].sum() / len(target))
