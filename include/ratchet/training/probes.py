"""What the gate asks of a challenger beside its loss.

Slices, fairness, latency, calibration, and where its predictions come from.
"""

from __future__ import annotations

import time
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ratchet.contract.rules import Fairness
from ratchet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

    Vector = NDArray[np.float64]

EXPLAINED, BACKGROUND = 60, 20  # rows
LONGEST = 80  # characters of a level in its name


def levels(rows: pa.Table, columns: tuple[str, ...], least: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Return every level of the named columns that has at least `least` rows: its name, and which rows are of it.

    A name is read by people, in logs and forms: of what was delivered it holds one line, and two that look the same
    there are numbered.
    """
    import numpy as np

    seen: set[str] = set()
    for column in columns:
        values = np.array([str(value) for value in rows.column(column).to_pylist()])
        for level, held in zip(*np.unique(values, return_counts=True), strict=True):
            if held >= least:
                shown = f"{column}={one_line(level, LONGEST)}"
                numbered = chain([shown], (f"{shown} ({number})" for number in count(2)))
                name = next(each for each in numbered if each not in seen)
                seen.add(name)
                yield name, values == level


def fairness(rule: Fairness, rows: pa.Table, target: Vector, prediction: Vector) -> dict[str, dict[str, float]]:
    """Compare how levels of a column are treated: column -> demographic_parity and equalized_odds differences.

    fairlearn's metrics of these names: demographic parity (Agarwal et al. 2018, definition 1) and equalised odds (Hardt
    et al. 2016). Levels of few rows are left out; a column with fewer than two others has no difference, and says 0.
    """
    import numpy as np
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    positive = (prediction >= rule.threshold).astype(int)
    found = {}
    for column in rule.columns:
        groups = dict(levels(rows, (column,), rule.rows))
        if len(groups) < 2:
            found[column] = {"demographic_parity": 0.0, "equalized_odds": 0.0}
            continue
        kept = np.logical_or.reduce([*groups.values()])
        group = np.select([*groups.values()], [*groups], default="")[kept]
        found[column] = {
            "demographic_parity": float(
                demographic_parity_difference(target[kept], positive[kept], sensitive_features=group)
            ),
            "equalized_odds": float(equalized_odds_difference(target[kept], positive[kept], sensitive_features=group)),
        }
    return found


def latency(model: Model, rows: pa.Table) -> float:
    """Return the median time of one row's prediction on this machine, in milliseconds."""
    import numpy as np

    one = rows.slice(0, 1)
    model.predict(one)
    seconds = []
    for _ in range(21):
        begun = time.perf_counter()
        model.predict(one)
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds) * 1000)


def calibration(target: Vector, prediction: Vector, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return, for each tenth of the predictions, their mean, the share that came true, and the rows."""
    import numpy as np

    order = np.argsort(prediction, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(prediction[part].mean()), float(target[part].mean()), len(part)) for part in parts]


def importance(model: Model, rows: pa.Table, seed: int) -> dict[str, float]:
    """Say what predictions come from.

    Feature -> mean absolute SHAP value, in the prediction's units, the largest first.

    Shapley values by permutation (Lundberg & Lee 2017, section 4.1, as in shap's PermutationExplainer) of 60 rows
    against 20; of a multiclass model the mean over its classes.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    sample = rows.take(rng.permutation(rows.num_rows)[: EXPLAINED + BACKGROUND])
    codes, numbers = model.encoder.inputs(sample)
    matrix = np.hstack([codes.astype(np.float64), numbers.astype(np.float64)])
    width = codes.shape[1]

    def predicted(values: NDArray[np.float64]) -> Any:
        return model.of_arrays(values[:, :width].astype(np.int64), values[:, width:].astype(np.float32))

    background = matrix[: max(1, min(BACKGROUND, len(matrix) // 2))]
    explainer = _shap().PermutationExplainer(predicted, background, seed=seed)
    values = explainer(
        matrix[len(background) :] if len(matrix) > 1 else matrix, max_evals=2 * matrix.shape[1] + 1, silent=True
    ).values
    size = np.abs(values).mean(axis=tuple(i for i in range(values.ndim) if i != 1))
    order = np.argsort(-size, kind="stable")
    return {model.encoder.features[i]: float(size[i]) for i in order}


def _shap() -> Any:
    """Import shap with its four loops as Python's own.

    Compiled, as they are otherwise at the first call, they cost each process 6 s, and save 0.04 s of 60 rows' 0.25.
    """
    import numba

    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        import shap
    finally:
        numba.config.DISABLE_JIT = before
    return shap
