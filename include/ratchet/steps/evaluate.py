"""Evaluate: score challenger and champion on the same held-out rows, that neither was trained on, and ask what else the gate asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ratchet.adapters import dataset, tracking
from ratchet.data import features
from ratchet.decisions import duel
from ratchet.loop import Loop
from ratchet.steps import Request as Base
from ratchet.steps import Result as BaseResult
from ratchet.steps import contender, evidence, ledger, snapshot
from ratchet.training import behaviour, figures, probes
from ratchet.training.metrics import measure, row_losses

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from mlflow import MlflowClient
    from numpy.typing import NDArray

    from ratchet.training.model import Model

    Vector = NDArray[np.float64]

FILE = "evaluation/evaluation.json"


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
        opponent = _models(client, contender.of(client, champion.run_id), rows) if champion else None
        content = evaluate(loop, challenger, opponent, rows)
        content |= {
            "champion": champion.number if champion else None,
            "size_mb": tracking.size(client, mlflow_run) / 1e6,
            "unaccepted": _unaccepted(loop, pinned),
            "signatures": _signatures(challenger, tracking.version_model(champion) if champion else None),
        }
        metrics = content["metrics"]
        tracking.log_metrics(client, mlflow_run, {
            **{f"{who}/{name}": value for who, found in metrics.items() for name, value in found.items()},
            evidence.LOSS: content["challenger_loss"], "latency_ms": content["latency_ms"], "size_mb": content["size_mb"],
        })  # fmt: skip
        drawn = _figures(loop, challenger, opponent, rows)
        tracking.log_files(client, mlflow_run, {FILE: json.dumps(content, indent=1), **drawn})
    ours = metrics["challenger"]
    shown = ", ".join(f"{name} {value:.4f}" for name, value in list(ours.items())[:3])
    against = "; there is no champion yet"
    if champion:
        found = content["champion_loss"]
        against = f"; champion v{champion.number}: " + (f"{found:.4f}" if found is not None else "has seen all of these days")
    return Result(
        reason=f"on {content['rows']:,} held-out rows of {len(content['days'])} days: {shown}{against}",
        mlflow_run=mlflow_run, metrics=ours, champion=content["champion"], champion_metrics=metrics.get("champion", {}),
        daily=tuple({"day": day, **found} for day, found in content["days"].items()),
    )  # fmt: skip


def evaluate(loop: Loop, challenger: Model, opponent: dict[str, Model] | None, rows: pa.Table) -> dict[str, Any]:
    """Measure challenger and champion.

    opponent: day -> the model that stands for the champion on it; days that are not there it has seen, and they are not compared. None
    where there is no champion. The challenger's metrics are over all rows, the champion's over those that are compared.
    """
    import numpy as np

    days = rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str)
    target, predicted = challenger.encoder.target_values(rows), challenger.predict(rows)
    ours = row_losses(loop.loss, target, predicted)
    theirs = np.full(len(days), np.nan)
    fair = np.isin(days, list(opponent or {}))
    metrics = {"challenger": measure(loop.task, target, predicted)}
    if opponent is not None and fair.any():
        their_target, their_prediction = _predict(opponent, rows.filter(fair), days[fair])
        theirs[fair] = row_losses(loop.loss, their_target, their_prediction)
        metrics["champion"] = measure(loop.task, their_target, their_prediction)
    daily: dict[str, Any] = {}
    for day in np.unique(days):
        of_day = days == day
        daily[str(day)] = {"rows": int(of_day.sum()), "challenger": float(ours[of_day].mean())}
        if fair[of_day].any():
            daily[str(day)]["champion"] = float(theirs[of_day].mean())
    gate = loop.gate
    sliced = {}
    if gate.slices and fair.any():
        for name, of_slice in probes.levels(rows.filter(fair), gate.slices.columns, gate.slices.rows):
            sliced[name] = evidence.dump(duel.cluster(days[fair][of_slice], ours[fair][of_slice], theirs[fair][of_slice]))
    return {
        "loss": loop.loss, "rows": rows.num_rows, "days": daily, "metrics": metrics,
        "compared": evidence.dump(duel.cluster(days[fair], ours[fair], theirs[fair])) if opponent is not None else None,
        "challenger_loss": float(ours.mean()), "champion_loss": float(theirs[fair].mean()) if fair.any() else None,
        "slices": sliced,
        "fairness": probes.fairness(gate.fairness, rows, target, predicted) if gate.fairness else {},
        "behaviour": behaviour.run(challenger, behaviour.read(loop)),
        "latency_ms": probes.latency(challenger, rows),
        "calibration": probes.calibration(target, predicted) if loop.task == "binary" else [],
        "importance": probes.importance(challenger, rows, loop.training.seed),
    }  # fmt: skip


def _predict(opponent: dict[str, Model], rows: pa.Table, days: NDArray[np.str_]) -> tuple[Vector, Vector]:
    """Predict each day's rows with the model that stands on it."""
    import numpy as np

    parts = [(np.flatnonzero(days == day), opponent[str(day)]) for day in np.unique(days)]
    order = np.argsort(np.concatenate([where for where, _ in parts]))
    target = np.concatenate([model.encoder.target_values(rows.take(where)) for where, model in parts])
    predicted = np.concatenate([model.predict(rows.take(where)) for where, model in parts])
    return target[order], predicted[order]


def _models(client: MlflowClient, opponent: contender.Contender, rows: pa.Table) -> dict[str, Model]:
    import pyarrow.compute as pc

    found = {day: opponent.on(day) for day in pc.unique(rows.column(features.PARTITION)).to_pylist()}
    models = {run: tracking.run_model(client, run) for run in {run for run in found.values() if run}}
    return {day: models[run] for day, run in found.items() if run}


def _opponent(client: MlflowClient, loop: Loop, run_id: str) -> tracking.Version | None:
    """Give the champion to compare with; for a run that has been promoted already, the one that it was compared with."""
    champion = ledger.champion(client, loop)
    if champion is None or run_id not in (champion.run_id, client.get_run(champion.run_id).data.tags.get(contender.TWIN)):
        return champion
    earlier = json.loads(tracking.read_file(client, run_id, FILE))["champion"]
    return tracking.version(client, loop.name, earlier) if earlier else None


def _unaccepted(loop: Loop, pinned: snapshot.Result) -> dict[str, str]:
    """Give the days of training and holdout whose newest delivery, a correction, was rejected: day -> why."""
    registry, first, last = dataset.registry(), pinned.train.partition("..")[0], pinned.holdout.partition("..")[2]
    used = set(dataset.published(registry, loop, pinned.revision, first, last))
    verdicts = registry.verdicts(loop.name, pinned.revision)
    return {day: verdict["reason"] for day, verdict in verdicts.items() if day in used and verdict["status"] == "rejected"}


def _signatures(challenger: Model, champion: Model | None) -> list[Any]:
    """Give inputs and outputs of challenger and champion, as a caller has to know them."""
    return [
        {"inputs": {name: "category" if name in m.encoder.vocabularies else "number" for name in m.encoder.features},
         "outputs": [m.encoder.task, *m.encoder.classes]}
        for m in (challenger, champion) if m is not None
    ]  # fmt: skip


def _figures(loop: Loop, challenger: Model, opponent: dict[str, Model] | None, rows: pa.Table) -> dict[str, bytes]:
    import numpy as np

    encoder = challenger.encoder
    days = rows.column(features.PARTITION).to_numpy(zero_copy_only=False).astype(str)
    predictions = {"challenger": challenger.predict(rows)}
    whole = opponent is not None and np.isin(days, list(opponent)).all()
    if opponent and whole and all(model.encoder.classes == encoder.classes for model in opponent.values()):
        predictions["champion"] = _predict(opponent, rows, days)[1]
    drawn = figures.of_holdout(loop.task, encoder.classes, encoder.target_values(rows), predictions)
    return {f"figures/{name}.png": content for name, content in drawn.items()}
