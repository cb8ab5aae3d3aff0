"""Trainers. One file a trainer: `Params`, and the functions `fit`, `predict`, `save`, `load` over NumPy arrays.

To add one, write `trainers/<name>.py` in the loop's folder, or give a distribution an entry point in the group
`ratchet.trainers` (see ratchet.extensions); its name is what `training.trainer` of a loop.yaml says. The file is stored
beside its models; those of a distribution ask for it, and both for REQUIREMENTS, the packages it imports.

The arrays that `fit` is given may lie on the disk. A trainer that copies them whole says how much memory it takes for
that, by a function `needs(params, rows, features, classes)` that returns bytes: so a training that cannot end is not
begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from ratchet.contract.loop import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Arrays:
    """Encoded rows."""

    codes: NDArray[np.int64]  # (n, c): category codes, 0 for a category that training has not seen or a null
    numbers: NDArray[np.float32]  # (n, m), NaN for a null
    target: NDArray[np.float64]  # (n,): a class index for binary (0, 1) and multiclass, the value itself for regression


@dataclass(frozen=True)
class Job:
    """What a trainer is told."""

    task: Task
    classes: int  # how many, of a multiclass task
    cardinalities: tuple[int, ...]  # of each categorical feature
    seed: int
    device: str
    # Epochs (or boosting iterations) to fit, no more and no fewer; None: as parameters and `valid` say.
    rounds: int | None = None


@dataclass(frozen=True)
class Curve:
    """Mean losses after each epoch (or boosting iteration), for the learning curve."""

    train: tuple[float, ...]
    valid: tuple[float, ...]


class TrainerModule(Protocol):
    """What the file of a trainer holds."""

    Params: type[BaseModel]
    REQUIREMENTS: tuple[str, ...]
    __file__: str | None
    __name__: str

    def fit(self, params: Any, job: Job, train: Arrays, valid: Arrays | None) -> tuple[Any, Curve]:
        """Fit a model. `valid`, later in time than `train`, stops it early. Raises TrainingError where it diverges."""
        ...

    def predict(self, model: Any, codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predict: (n,) probability of class 1 or a value; (n, k) probabilities for multiclass."""
        ...

    def save(self, model: Any, folder: Path) -> None:
        """Write the model without pickle."""
        ...

    def load(self, folder: Path) -> Any:
        """Read what `save` wrote, on the CPU."""
        ...
