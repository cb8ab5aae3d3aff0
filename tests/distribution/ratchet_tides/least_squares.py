"""A trainer: linear least squares (ridge) of the numbers, for regression."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.api import Arrays, Curve, Job, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REQUIREMENTS = ("safetensors",)


class Params(Part):
    """ridge: the penalty."""

    ridge: float = 1e-3


def fit(params: Params, job: Job, train: Arrays, valid: Arrays | None) -> tuple[NDArray[np.float64], Curve]:
    """Solve the normal equations; one round is all there is."""
    import numpy as np

    x = _with_one(train.numbers)
    weights = np.linalg.solve(x.T @ x + params.ridge * np.eye(x.shape[1]), x.T @ train.target)

    def loss(rows: Arrays) -> float:
        return float(((_with_one(rows.numbers) @ weights - rows.target) ** 2).mean())

    return weights, Curve((loss(train),), (loss(valid),) if valid else ())


def predict(model: NDArray[np.float64], codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predict."""
    return _with_one(numbers) @ model


def save(model: NDArray[np.float64], folder: Path) -> None:
    """Write weights.safetensors."""
    from safetensors.numpy import save_file

    save_file({"weights": model}, folder / "weights.safetensors")


def load(folder: Path) -> NDArray[np.float64]:
    """Read weights.safetensors."""
    from safetensors.numpy import load_file

    return load_file(folder / "weights.safetensors")["weights"]


def _with_one(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    import numpy as np

    return np.hstack([np.nan_to_num(numbers.astype(np.float64)), np.ones((len(numbers), 1))])
