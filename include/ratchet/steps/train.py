"""Train: fit a challenger on a snapshot.

Its MLflow run keeps all that is needed to judge, explain and rebuild it.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet import provenance
from ratchet.adapters import models, runs
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.data.examples import Examples
from ratchet.lifecycle import dataset, evaluations, records
from ratchet.lifecycle.records import Record
from ratchet.monitoring import reference
from ratchet.reports import figures
from ratchet.settings import Settings
from ratchet.steps import Key, Login, Reason, StepRequest, StepResult, snapshot
from ratchet.training import baseline, fit, recipe

if TYPE_CHECKING:
    from ratchet.adapters.runs import Tracking
    from ratchet.training.model import Model
    from ratchet.training.trainers import Curve

BASELINE = "baseline.json"  # the copy with the MLflow run, for people
NOTE = "mlflow.note.content"  # a tag: what MLflow shows of a run, as HTML


class TrainRequest(StepRequest):
    """Which training to make."""

    run: Key = Field(description="The key of this training, whose snapshot is pinned.")
    reason: Reason = Field(default="asked for", description="Why it is trained.")
    asked_by: Login = Field(
        default="", description="Who has asked for it, as Airflow knows them; they do not approve what comes of it."
    )


class TrainResult(StepResult):
    """What was trained."""

    mlflow_run: str  # the run that holds the model
    seconds: float = 0.0  # of the fit


def run(loop: Loop, request: TrainRequest) -> TrainResult:
    """Train once a run: a retry takes up the MLflow run of the try before it, and a finished one is left as it is."""
    loop = snapshot.contract(loop, request.run)
    pinned = snapshot.pinned(loop, request.run)
    if known := records.of_key(loop, request.run):
        return TrainResult(reason="already trained", outcome="unchanged", mlflow_run=known.run)
    with runs.connected() as client:
        tags = _tags(loop, request, pinned)
        begun = runs.start_run(client, loop.name, request.run, tags)
        runs.retag(client, begun, tags)
        run_id = begun.run_id
        rows = snapshot.examples(loop, pinned.snapshot, snapshot.TRAIN)
        runs.log_params(
            client, run_id, {"trainer": loop.training.trainer, "seed": loop.training.seed, **loop.training.params}
        )
        with runs.training(run_id):
            source = {
                "registry.revision": pinned.revision,
                "window": pinned.train,
                "snapshot": pinned.snapshot,
                "sha256": pinned.data_hash,
            }
            runs.log_dataset(run_id, loop.name, pinned.data_hash, source, "training")
            with fitted(loop, rows) as (model, curve, seconds):
                keep(client, loop, _record(loop, run_id, request, tags), model, curve, rows, seconds)
    return TrainResult(
        reason=f"trained {loop.training.trainer} on {rows.num_rows:,} rows in {seconds:.1f} s, "
        f"{len(curve.train)} epochs or iterations",
        mlflow_run=run_id,
        seconds=seconds,
    )


@contextmanager
def fitted(loop: Loop, rows: Examples) -> Iterator[tuple[Model, Curve, float]]:
    """Fit apart; give the model, the curve and the seconds that it took. The folder lasts as long as they are used."""
    place = Settings.current().snapshots / loop.name  # on the disk that holds the data: /tmp may be memory
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fit.", suffix=".tmp", dir=place) as folder:
        fit.lay_out(loop, rows.stream(), Path(folder) / "source")
        yield fit.apart(Path(folder) / "source", Path(folder) / "target")


def _tags(loop: Loop, request: TrainRequest, pinned: snapshot.SnapshotResult) -> dict[str, str]:
    return {
        **provenance.code(Settings.current().home),
        **provenance.environment(),
        "data.revision": pinned.revision,
        "data.hash": pinned.data_hash,
        "data.train": pinned.train,
        "data.holdout": pinned.holdout,
        runs.READ: dataset.read_for(loop, pinned.train.partition("..")[0], pinned.holdout.partition("..")[2]),
        "ratchet.snapshot": pinned.snapshot,
        evaluations.RECIPE: recipe.name(loop),
        "ratchet.reason": request.reason,
        NOTE: html.escape(f"{loop.description}\n\nTrained because: {request.reason}", quote=False),
    }


def _record(loop: Loop, run_id: str, request: TrainRequest, tags: Mapping[str, str]) -> Record:
    return Record(
        run=run_id,
        key=request.run,
        recipe=tags[evaluations.RECIPE],
        reason=request.reason,
        asked_by=request.asked_by,
        data={name.removeprefix("data."): value for name, value in tags.items() if name.startswith("data.")},
        code=tags["code.revision"],
        lock=provenance.lock(Settings.current().home),
        intercept=loop.training.intercept_days,
    )


def keep(
    client: Tracking, loop: Loop, record: Record, model: Model, curve: Curve, rows: Examples, seconds: float
) -> None:
    """Store curves, figure, model, its baseline and the reference of the monitor.

    The record, without which none is, comes last.
    """
    run_id, few = record.run, rows.sample(reference.SAMPLE, loop.training.seed)
    measured, first = reference.make(loop, model, few, rows.tables()), rows.head(5)
    plain = baseline.learn(loop, rows.targets())
    runs.log_curve(client, run_id, {"loss/train": curve.train, "loss/valid": curve.valid})
    runs.log_metrics(client, run_id, {"train_seconds": seconds, "train_rows": rows.num_rows})
    runs.log_files(
        client,
        run_id,
        {
            "figures/learning_curve.png": figures.of_curve(curve),
            "contract/loop.yaml": (loop.folder / "loop.yaml").read_bytes(),
            "contract/features.sql": (loop.folder / loop.features.sql).read_bytes(),
            **measured,
            **({BASELINE: plain.model_dump_json(indent=1)} if plain else {}),
        },
    )
    if plain:
        _note(client, run_id, plain.words)
    categorical, numeric = features.names(loop, first.column_names)
    uri, sha256 = models.log_model(model, first.select([*categorical, *numeric]))
    client.set_tag(run_id, models.SHA256, sha256)
    client.set_tag(run_id, runs.MODEL, uri)
    made = {"model": sha256, "uri": uri, "seconds": seconds, "files": records.digests(measured), "baseline": plain}
    records.keep(loop, record.model_copy(update=made))


def _note(client: Tracking, run_id: str, words: str) -> None:
    """Say in what MLflow shows of a run what its baseline is, in place of an earlier try's, or of a judged run's."""
    before = client.tags(run_id).get(NOTE, "").partition("\n\nBaseline: ")[0]
    client.set_tag(run_id, NOTE, f"{before}\n\nBaseline: {html.escape(words, quote=False)}")
