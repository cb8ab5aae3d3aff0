"""Figures kept with a run, as PNG bytes."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratchet.contract.loop import Task
from ratchet.decisions.duel import Cluster, Evidence, curve
from ratchet.training.trainers import Curve

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

SEEN = (1e-4, 1e5)  # capital beyond which a picture is cut off
_FAR = 600.0  # logarithms of capital beyond this are no numbers any more


def of_curve(curve: Curve) -> bytes:
    """Draw the learning curve."""
    axes = _axes("Learning curve", "epoch or iteration", "loss")
    axes.plot(range(len(curve.train)), curve.train, label="training days")
    if curve.valid:
        axes.plot(range(len(curve.valid)), curve.valid, label="the latest training days, for early stopping")
    axes.legend(frameon=False)
    return _png(axes)


def of_holdout(
    task: Task, classes: tuple[str, ...], target: Vector, predictions: dict[str, Vector]
) -> dict[str, bytes]:
    """Draw what the task calls for. predictions: who -> what they predicted on the same rows (the challenger first)."""
    if not len(target):
        return {}
    if task == "binary":
        return {"roc": _roc(target, predictions), "calibration": _calibration(target, predictions)}
    if task == "multiclass":
        return {"confusion": _confusion(classes, target, next(iter(predictions.values())))}
    return {
        "predicted": _predicted(target, next(iter(predictions.values()))),
        "residuals": _residuals(target, predictions),
    }


def of_evidence(
    clusters: Sequence[Cluster], shown: Evidence, unit: str, other: str, cluster: str, who: str = "challenger"
) -> bytes:
    """Draw the differences by cluster, as they count, and the capital of the two bettors, on a logarithmic scale.

    shown: what the duel has come to. unit: of the differences. other: whom `who` meets. cluster: day or week.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    _differences(above, clusters, shown, who)
    above.set(title=f"{who.capitalize()} less {other}, by {cluster}")
    above.set_ylabel(textwrap.fill(unit, 30), parse_math=False)
    _capital(below, clusters, shown, who, other)
    below.set(title="Evidence: what either side's bettor has", xlabel=cluster, ylabel="capital")
    step = max(1, len(clusters) // 10)
    below.set_xticks(range(0, len(clusters), step), labels=[each.key for each in clusters][::step], rotation=30)
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _png(below)


def _differences(axes: Axes, clusters: Sequence[Cluster], shown: Evidence, who: str) -> None:
    """Draw a bar a cluster; one that is hardly seen as a bar is a tick."""
    counts = [min(max(each.mean, -shown.bound), shown.bound) for each in clusters]
    axes.bar(range(len(counts)), counts, color="#7a93c4")
    least = 0.01 * max(shown.margin, *map(abs, counts))
    if flat := [i for i, each in enumerate(counts) if abs(each) <= least]:
        axes.plot(flat, [counts[i] for i in flat], "|", ms=12, mew=2, color="#3a5a9c", label="(nearly) no difference")
    if beyond := [i for i, each in enumerate(clusters) if counts[i] != each.mean]:
        label = "beyond the bound,\ncounts as the bound"
        axes.plot(beyond, [counts[i] for i in beyond], "o", mfc="none", color="#b3261e", label=label)
    axes.axhline(0, color="0.2", linewidth=1, label=f"0: below it the {who}\nis better")
    if shown.margin:
        told = f"margin, {shown.margin:.3g}: below it speaks\nfor the {who}, who may\nbe worse by so much"
        axes.axhline(shown.margin, color="#b3640a", linewidth=1, linestyle="--", label=told)


def _capital(axes: Axes, clusters: Sequence[Cluster], shown: Evidence, who: str, other: str) -> None:
    """Draw what the two bettors have come to; what lies beyond SEEN is cut off."""
    import numpy as np

    held = curve(clusters, margin=shown.margin, bound=shown.bound, debt=shown.debt)
    ours, theirs = np.exp(np.clip(held, -_FAR, _FAR)).T
    needed = math.exp(shown.needed)
    axes.set_yscale("log")
    axes.plot(ours, color="#1a7f4b", marker=".", label=f"for the {who}")
    axes.plot(theirs, color="#b3261e", marker=".", label=f"for the {other}")
    axes.axhline(needed, color="0.4", linewidth=1, linestyle="--", label=f"needed: {needed:.4g}")
    ends = [*ours, *theirs, needed, 1 / needed]
    low, high = max(min(ends), SEEN[0]) / 1.5, min(max(ends), SEEN[1]) * 1.5
    axes.set_ylim(low, high)
    axes.set_yticks(at := _ticks(low, high, needed), labels=[f"{each:,.4g}" for each in at])
    axes.minorticks_off()


def _ticks(low: float, high: float, needed: float) -> list[float]:
    """Return which amounts of capital are named: 1, what is needed, and some of 0.05, 0.25, 1, 5, 20, 100."""
    steps = [each for k in range(-10, 11) for each in (20.0**k, 5 * 20.0**k) if low <= each <= high]
    if len(steps) > 9:
        steps = [20.0**k for k in range(-10, 11) if low <= 20.0**k <= high]
    near = [each for each in steps if not 0.5 < each / needed < 2]
    return sorted({*near, 1.0, needed})


def of_certificates(nights: Sequence[tuple[str, float, float, float]], unit: str) -> bytes:
    """Draw what nights could say of the champion against the anchor, in a unit. nights: (night, difference, low, high).

    Nights lie as far from each other as their dates.
    """
    axes = _axes("Champion less anchor, night by night", "night", "")
    axes.set_ylabel(textwrap.fill(unit, 40), parse_math=False)
    at = _dates(axes, [each[0] for each in nights])
    low, high = ([each[i] for each in nights] for i in (2, 3))
    axes.fill_between(at, low, high, color="#7a93c4", alpha=0.25)  # of one night alone nothing is seen
    axes.vlines(at, low, high, color="#7a93c4", linewidth=1, label="interval, at all nights together")
    axes.plot(at, [each[1] for each in nights], color="#3a5a9c", marker="o", markersize=4, label="mean difference")
    axes.axhline(0, color="0.2", linewidth=1, label="0: below it the champion is better")
    axes.figure.legend(frameon=False, fontsize="small", loc="outside lower center")
    return _png(axes)


def of_calibration(points: Sequence[Sequence[float]]) -> bytes:
    """Draw mean prediction against the share that came true, by tenths of the predictions."""
    axes = _axes("", "predicted probability", "share that came true")
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    axes.plot([point[0] for point in points], [point[1] for point in points], marker="o", color="#3a5fb0")
    return _png(axes)


def of_importance(sizes: dict[str, float], unit: str) -> bytes:
    """Draw what predictions come from, the largest on top. unit: of the predictions."""
    axes = _axes("", "", "")
    axes.set_xlabel(f"mean absolute SHAP value, in units of {unit}", parse_math=False)
    names = list(sizes)[::-1]
    axes.barh(range(len(names)), [sizes[name] for name in names], color="#7a93c4")
    axes.set_yticks(range(len(names)), labels=names, parse_math=False)
    return _png(axes)


def _roc(target: Vector, predictions: dict[str, Vector]) -> bytes:
    from sklearn.metrics import roc_auc_score, roc_curve

    axes = _axes("ROC on the holdout", "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    if len(set(target.tolist())) == 2:
        for who, prediction in predictions.items():
            false, true, _ = roc_curve(target, prediction)
            axes.plot(false, true, label=f"{who} (AUC {roc_auc_score(target, prediction):.3f})")
        axes.legend(frameon=False)
    return _png(axes)


def _calibration(target: Vector, predictions: dict[str, Vector]) -> bytes:
    from sklearn.calibration import calibration_curve

    axes = _axes("Calibration on the holdout", "predicted probability", "share that came true")
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    for who, prediction in predictions.items():
        true, predicted = calibration_curve(target, prediction, n_bins=10, strategy="quantile")
        axes.plot(predicted, true, marker="o", label=who)
    axes.legend(frameon=False)
    return _png(axes)


def _confusion(classes: tuple[str, ...], target: Vector, prediction: Vector) -> bytes:
    import numpy as np

    counts = np.zeros((len(classes), len(classes)))
    known = target >= 0
    np.add.at(counts, (target[known].astype(int), prediction.argmax(axis=1)[known]), 1)
    axes = _axes("Confusion on the holdout", "predicted", "actual")
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(classes)), labels=list(classes), rotation=90, parse_math=False)
    axes.set_yticks(range(len(classes)), labels=list(classes), parse_math=False)
    return _png(axes)


def _predicted(target: Vector, prediction: Vector) -> bytes:
    axes = _axes("Prediction and truth on the holdout", "actual", "predicted")
    axes.scatter(target, prediction, s=4, alpha=0.4)
    ends = [float(min(target.min(), prediction.min())), float(max(target.max(), prediction.max()))]
    axes.plot(ends, ends, color="0.6", linewidth=1)
    return _png(axes)


def _residuals(target: Vector, predictions: dict[str, Vector]) -> bytes:
    axes = _axes("Residuals on the holdout", "predicted less actual", "rows")
    for who, prediction in predictions.items():
        axes.hist(prediction - target, bins=50, alpha=0.5, label=who)
    axes.legend(frameon=False)
    return _png(axes)


def _axes(title: str, x: str, y: str) -> Axes:
    from matplotlib.figure import Figure

    axes = Figure(figsize=(6, 4.5), layout="constrained").add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _dates(axes: Axes, days: Sequence[str]) -> NDArray[np.datetime64]:
    """Let the x axis be of dates, about eight of them named; return the days as such."""
    import numpy as np

    at = np.array(days, dtype="datetime64[D]")
    named = np.arange(at.min(), at.max() + 1, max(1, int((at.max() - at.min()).astype(int)) // 7))
    axes.set_xlim(at.min() - 1, at.max() + 1)  # days: one alone has its room
    axes.set_xticks(named, labels=[str(each) for each in named], rotation=30)
    return at


def _png(axes: Axes) -> bytes:
    stream = io.BytesIO()
    figure: Any = axes.figure
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
