"""Evaluate: score challenger and champion on the same held-out rows, that neither was trained on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import tracking
from ratchet.data import features
from ratchet.loop import Loop
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import snapshot
from ratchet.training import figures
from ratchet.training.metrics import measure, row_losses

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from ratchet.training.model import Model

FILE = "evaluation/evaluation.json"
LOSS = "challenger/loss"  # the metric that the live loss is compared with


class Request(Base):
    """run: the key of this training. mlflow_run: the run that holds the challenger; by default the one of that key."""

    run: str
    mlflow_run: str = ""


class Result(BaseResult):
    """metrics: of the challenger on the holdout. champion: the version it was compared with, or none. daily: losses by day."""

    mlflow_run: str
    metrics: dict[str, float]
    champion: str | None = None
    champion_metrics: dict[str, float] = Field(default_factory=dict)
    daily: tuple[dict[str, Any], ...] = ()


def run(loop: Loop, request: Request) -> Result:
    """Evaluate, and store metrics, daily losses and figures with the challenger's run. The same run gives the same numbers."""
    pinned = snapshot.pinned(loop, request.run)
    rows = snapshot.read(loop, pinned.snapshot, "holdout")
    with tracking.connected() as client:
        mlflow_run = request.mlflow_run or tracking.trained_run(client, loop.name, request.run)
        challenger = tracking.run_model(client, mlflow_run)
        champion = _opponent(client, loop, mlflow_run)
        models = {"challenger": challenger}
        if champion is not None:
            models["champion"] = tracking.version_model(champion)
            trained = client.get_run(champion.run_id).data.tags.get("data.train", "")
        content = evaluate(loop, models, rows, trained.partition("..")[2] if champion else "")
        content["champion"] = champion.number if champion else None
        metrics = content["metrics"]
        tracking.log_metrics(client, mlflow_run, {
            **{f"{who}/{name}": value for who, found in metrics.items() for name, value in found.items()},
            LOSS: content["challenger_loss"],
        })  # fmt: skip
        drawn = _figures(loop, models, rows)
        tracking.log_files(client, mlflow_run, {FILE: json.dumps(content, indent=1), **drawn})
    ours = metrics["challenger"]
    shown = ", ".join(f"{name} {value:.4f}" for name, value in list(ours.items())[:3])
    return Result(
        reason=f"on {content['rows']:,} held-out rows of {len(content['days'])} days: {shown}"
        + (f"; champion v{content['champion']}: {content['champion_loss']:.4f}" if champion else "; there is no champion yet"),
        mlflow_run=mlflow_run, metrics=ours, champion=content["champion"], champion_metrics=metrics.get("champion", {}),
        daily=tuple({"day": day, **found} for day, found in content["days"].items()),
    )  # fmt: skip


def evaluate(loop: Loop, models: dict[str, Model], rows: pa.Table, champion_until: str) -> dict[str, Any]:
    """Measure each model, and the losses by day.

    champion_until: the last day that the champion was trained on; the comparison leaves out days up to it. The metrics are
    over all rows of the holdout.
    """
    import numpy as np

    days = rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str)
    metrics, losses = {}, {}
    for who, model in models.items():
        target, predicted = model.encoder.target_values(rows), model.predict(rows)
        metrics[who] = measure(loop.task, target, predicted)
        losses[who] = row_losses(loop.loss, target, predicted)
    listed = np.unique(days)
    daily: dict[str, Any] = {
        str(day): {"rows": int((days == day).sum()), **{who: float(loss[days == day].mean()) for who, loss in losses.items()}}
        for day in listed
    }
    fair = [day for day in daily if day > champion_until]
    compared = [daily[day]["challenger"] - daily[day]["champion"] for day in fair] if "champion" in models else None
    return {
        "loss": loop.loss, "rows": rows.num_rows, "days": daily, "metrics": metrics, "differences": compared,
        "challenger_loss": float(losses["challenger"].mean()),
        "champion_loss": float(losses["champion"].mean()) if "champion" in models else None,
    }  # fmt: skip


def _opponent(client: Any, loop: Loop, run_id: str) -> tracking.Version | None:
    """Give the champion to compare with; for a run that has been promoted already, the one that it was compared with."""
    champion = tracking.champion(client, loop.name)
    if champion is None or champion.run_id != run_id:
        return champion
    earlier = json.loads(tracking.read_file(client, run_id, FILE))["champion"]
    return tracking.version(client, loop.name, earlier) if earlier else None


def _figures(loop: Loop, models: dict[str, Model], rows: pa.Table) -> dict[str, bytes]:
    encoder = models["challenger"].encoder
    target = encoder.target_values(rows)
    predictions: dict[str, NDArray[np.float64]] = {
        who: model.predict(rows) for who, model in models.items() if model.encoder.classes == encoder.classes
    }
    drawn = figures.of_holdout(loop.task, encoder.classes, target, predictions)
    return {f"figures/{name}.png": content for name, content in drawn.items()}
