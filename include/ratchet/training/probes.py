"""What the gate asks of a challenger beside its loss.

Slices, fairness, calibration, and where its predictions come from.
"""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ratchet.contract.rules import Fairness
from ratchet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

    Vector = NDArray[np.float64]

EXPLAINED, BACKGROUND = 60, 20  # rows
LONGEST = 80  # characters of a level in its name
NAMED = 20  # small levels of a column that are told by name


def levels(rows: pa.Table, columns: tuple[str, ...], least: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Return every level of the named columns that has at least `least` rows: its name, and which rows are of it.

    A name is read by people, in logs and forms: of what was delivered it holds one line, and two that look the same
    there are numbered.
    """
    seen: set[str] = set()
    for column in columns:
        names, index, held = _levels(rows, column, seen, least)
        for number, name in enumerate(names):
            if held[number] >= least:
                yield name, index == number


def small(rows: pa.Table, columns: tuple[str, ...], least: int) -> dict[str, dict[str, int]]:
    """Return the levels of fewer than `least` rows: column -> the largest of them and their rows, the others as one."""
    found: dict[str, dict[str, int]] = {}
    for column in columns:
        names, _, held = _levels(rows, column, set())
        few = sorted((int(-held[i]), name) for i, name in enumerate(names) if held[i] < least)
        found[column] = {name: -count for count, name in few[:NAMED]}
        if len(few) > NAMED:
            found[column][f"{len(few) - NAMED:,} others"] = -sum(count for count, _ in few[NAMED:])
    return found


def _levels(
    rows: pa.Table, column: str, seen: set[str], least: int = 1
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the levels of a column: their names, which of them each row is of, how many rows each has.

    seen: names that are taken, to which those of levels of at least `least` rows are added.
    """
    import numpy as np

    values = np.array([str(value) for value in rows.column(column).to_pylist()])
    found, index, held = np.unique(values, return_inverse=True, return_counts=True)
    names = []
    for level, count_of in zip(found, held, strict=True):
        shown = f"{column}={one_line(level, LONGEST)}"
        numbered = chain([shown], (f"{shown} ({number})" for number in count(2)))
        name = next(each for each in numbered if each not in seen) if count_of >= least else shown
        if count_of >= least:
            seen.add(name)
        names.append(name)
    return names, index, held


def fairness(rule: Fairness, rows: pa.Table, target: Vector, prediction: Vector) -> dict[str, dict[str, Any]]:
    """Compare how levels of a column are treated: column -> demographic_parity and equalized_odds differences, groups.

    fairlearn's metrics of these names, from the counts: demographic parity (Agarwal et al. 2018, definition 1) and
    equalised odds (Hardt et al. 2016), over the levels of at least `rule.rows` rows; None where fewer than two have as
    many, and of equalised odds where one of them has no positive or no negative row. groups: each level's counts,
    however few its rows.
    """
    import numpy as np

    positive, true = prediction >= rule.threshold, target > 0
    found: dict[str, dict[str, Any]] = {}
    for column in rule.columns:
        names, index, held = _levels(rows, column, set())

        def counts(chosen: NDArray[np.bool_], index: NDArray[np.int64] = index, n: int = len(names)) -> list[int]:
            return [int(each) for each in np.bincount(index[chosen], minlength=n)]

        kinds = {
            "rows": [int(each) for each in held],
            "predicted": counts(positive),
            "positive": counts(true),
            "true_positive": counts(positive & true),
            "false_positive": counts(positive & ~true),
        }
        groups = {name: {kind: each[i] for kind, each in kinds.items()} for i, name in enumerate(names)}
        large = [group for group in groups.values() if group["rows"] >= rule.rows]
        whole = all(0 < group["positive"] < group["rows"] for group in large)
        found[column] = {
            "demographic_parity": _spread(large, _predicted) if len(large) > 1 else None,
            "equalized_odds": max(_spread(large, _hit), _spread(large, _false)) if len(large) > 1 and whole else None,
            "groups": groups,
        }
    return found


def _spread(groups: Sequence[Mapping[str, int]], rate: Callable[[Mapping[str, int]], float]) -> float:
    rates = [rate(group) for group in groups]
    return max(rates) - min(rates)


def _predicted(group: Mapping[str, int]) -> float:
    return group["predicted"] / group["rows"]


def _hit(group: Mapping[str, int]) -> float:
    return group["true_positive"] / group["positive"]


def _false(group: Mapping[str, int]) -> float:
    return group["false_positive"] / (group["rows"] - group["positive"])


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
