"""Find what is too good to be true: features that all but determine the target, and a model that is hardly ever wrong.

Either may be right: a person who knows the data says so (`gate.accept`), and nobody else can. What is found is kept
with the evaluation; what follows of it is decided by the check of this name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.contract.loop import Loop, Task
from ratchet.data import features, leaks
from ratchet.training.metrics import measure

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.training.evaluation import Side
    from ratchet.training.model import Model

    Metrics = Mapping[str, float | None]

# What nobody reaches who does not know the answer: published models of flights, fraud, demand or churn stay far below
# (AUC 0.75 to 0.98, R² up to 0.98). What is a little better than these is a slow series' last value, or a leak.
AUC = 0.995
R2 = 0.995
ACCURACY = 0.995
LEFT = 0.02  # log loss, as a share of that of who knows the classes' shares alone
FEWEST = 100  # held-out rows, below which such a number is an accident too often
FEWEST_OTHERS = 20  # of them outside the commonest class: an AUC of 1 over two positives is no news
SHUFFLED = 2_000  # held-out rows, the newest, on which the features behind it are looked for

Finding = dict[str, Any]  # names: of features; model: whether it is the model's; words: what was found


def find(
    loop: Loop, told: Sequence[Finding], rows: pa.Table, side: Side, metrics: Metrics, model: Callable[[], Model]
) -> list[Finding]:
    """Find all that is too good. told: of the features, by `of_features`. rows: the holdout, as `side` predicts it.

    A model that is so good by features which are told already is not told beside them. model: loads it, where needed.
    """
    words = _words(loop.task, side.target, metrics)
    if not words:
        return [*told]
    names = _behind(loop, rows, side, model())
    if names and set(names) <= {name for each in told for name in each["names"]}:
        return [*told]
    return [*told, {"names": names, "model": True, "words": words}]


def of_features(loop: Loop, rows: pa.Table) -> list[Finding]:
    """Find the features that determine the target, alone or together. rows: of training and holdout."""
    chosen = [name for part in features.names(loop, rows.column_names) for name in part]
    found = leaks.find(rows, loop.target.name, chosen, features.EVENT_TIME)
    return [
        {"names": list(each.columns), "model": False, "words": each.words}
        for each in found
        if each.kind in ("determines", "summed")
    ]


def _words(task: Task, target: Any, metrics: Metrics) -> str:
    """Say how good a model is, where that is too good; nothing where it is not, or the rows are too few to say."""
    if len(target) < FEWEST:
        return ""
    known = {name: value for name, value in metrics.items() if value is not None}
    on = f"on {len(target):,} held-out rows"
    if task == "regression":
        return f"its R² {on} is {known['r2']:.5f}" if known.get("r2", 0.0) > R2 else ""
    shares = np.unique(target, return_counts=True)[1] / len(target)
    if (1 - shares.max()) * len(target) < FEWEST_OTHERS:
        return ""
    left = known.get("log_loss", 1.0) / float(-(shares * np.log(shares)).sum())
    if task == "binary" and known.get("roc_auc", 0.0) > AUC:
        return f"its ROC AUC {on} is {known['roc_auc']:.5f}"
    if left < LEFT and (task == "binary" or known.get("accuracy", 0.0) > ACCURACY):
        return f"its log loss {on} is {left:.1%} of what the classes' shares alone come to"
    return ""


def _behind(loop: Loop, rows: pa.Table, side: Side, model: Model) -> list[str]:
    """Return the features without which a model is too good no more: each shuffled among the newest rows."""
    first = max(0, rows.num_rows - SHUFFLED)
    newest, target = rows.slice(first), side.target[first:]
    order = np.random.default_rng(loop.training.seed).permutation(newest.num_rows)
    found = []
    for name in model.encoder.features:
        place = newest.column_names.index(name)
        shuffled = newest.set_column(place, name, newest.column(name).take(order))
        if not _words(loop.task, target, measure(loop.task, target, model.predict(shuffled))):
            found.append(name)
    return found
