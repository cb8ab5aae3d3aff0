"""Histogram gradient boosting (scikit-learn), with native categories and missing values.

Method: Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine", on binned features as in Ke et al.
2017 (LightGBM). Stored with skops, without pickle.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ratchet.errors import TrainingError
from ratchet.training.trainers import Arrays, Curve, Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


REQUIREMENTS = ("scikit-learn", "skops")


class Params(BaseModel):
    """Parameters of HistGradientBoosting, under scikit-learn's own names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.08
    max_iter: Annotated[int, Field(ge=1, le=100_000)] = 200
    max_leaf_nodes: Annotated[int, Field(ge=2)] = 31
    min_samples_leaf: Annotated[int, Field(ge=1)] = 20
    l2_regularization: Annotated[float, Field(ge=0)] = 0.0
    max_features: Annotated[float, Field(gt=0, le=1)] = 1.0
    n_iter_no_change: Annotated[int, Field(ge=1)] = 15


def needs(params: Params, rows: int, features: int, classes: int) -> int:
    """Return the bytes of memory that a fit takes at most, beside what it is given.

    Measured with scikit-learn 1.9 at 1 and 3 million rows: the features as float32 and float64, their bins, and of each
    class gradients, hessians and predictions.
    """
    return rows * (19 * features + 20 * classes + 60)


def fit(params: Params, job: Job, train: Arrays, valid: Arrays | None) -> tuple[Any, Curve]:
    """Fit until the validation loss has not improved for `n_iter_no_change` iterations."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    options: dict[str, Any] = {
        **params.model_dump(),
        "categorical_features": np.arange(train.codes.shape[1] + train.numbers.shape[1]) < train.codes.shape[1],
        "random_state": job.seed,
        "early_stopping": valid is not None,
    }
    kind = HistGradientBoostingRegressor if job.task == "regression" else HistGradientBoostingClassifier
    if job.rounds is not None:
        options |= {"max_iter": job.rounds, "early_stopping": False}
    model = kind(**options)
    seen = np.unique(train.target)
    if job.task != "regression" and len(seen) < 2:
        raise TrainingError(
            f"The training window holds a single class of the target ({int(seen[0])}): nothing to learn. "
            "Widen training.window"
        )
    held: dict[str, Any] = {}
    if valid is not None:
        known = np.isin(valid.target, seen) if job.task != "regression" else np.ones(len(valid.target), dtype=bool)
        held = {"X_val": _matrix(valid.codes, valid.numbers)[known], "y_val": valid.target[known]}
        if not known.any():
            held = {}
            model.set_params(early_stopping=False)
    model.fit(_matrix(train.codes, train.numbers), train.target, **held)
    # scikit-learn keeps negated losses; the first entry is the loss before the first tree.
    curve = Curve(
        tuple(-float(v) for v in model.train_score_[1:]), tuple(-float(v) for v in model.validation_score_[1:])
    )
    return model, curve


def predict(model: Any, codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Predict; classes that training has not seen get probability 0."""
    import numpy as np

    matrix = _matrix(codes, numbers)
    if not hasattr(model, "classes_"):
        return np.asarray(model.predict(matrix), dtype=np.float64)
    probabilities = np.asarray(model.predict_proba(matrix), dtype=np.float64)
    classes = model.classes_.astype(int)
    if list(classes) == [0, 1]:
        return probabilities[:, 1]
    whole = np.zeros((len(matrix), int(classes.max()) + 1))
    whole[:, classes] = probabilities
    return whole


def save(model: Any, folder: Path) -> None:
    """Write model.skops."""
    import skops.io

    skops.io.dump(model, folder / "model.skops")


def load(folder: Path) -> Any:
    """Read model.skops; only scikit-learn's own types are trusted."""
    import skops.io

    path = folder / "model.skops"
    types = skops.io.get_untrusted_types(file=path)
    # partial: scikit-learn binds its own check_array with it, to encode categories.
    unknown = [name for name in types if not name.startswith("sklearn.") and name != "functools.partial"]
    if unknown:
        raise TrainingError(
            f"{path} holds types that are not scikit-learn's: {', '.join(unknown)}. Do not load it; rebuild the model"
        )
    return skops.io.load(path, trusted=types)


def _matrix(codes: NDArray[np.int64], numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    return np.hstack([codes.astype(np.float32), numbers])
