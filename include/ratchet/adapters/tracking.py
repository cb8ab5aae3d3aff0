"""Runs, models and aliases in MLflow, through its server.

Never through its database (SQLite locks under parallel clients).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet import __version__
from ratchet.errors import DataError, MissingPackage, TrackingError, TrackingUnavailable, storage_errors
from ratchet.files import atomic
from ratchet.settings import Settings
from ratchet.training import model as models

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from ratchet.training.model import Model

CHAMPION = "champion"
KEY = "ratchet.key"
MODEL = "ratchet.model"
_PATIENCE = 20.0  # seconds that a step waits for MLflow before it leaves the waiting to the scheduler's retries


@dataclass(frozen=True)
class Version:
    """A registered model version."""

    loop: str
    number: str
    run_id: str


@contextmanager
def connected() -> Iterator[MlflowClient]:
    """Return a client of the MLflow server. Raises TrackingUnavailable where it does not answer."""
    uri = Settings.current().tracking_uri
    _wait_for(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        import mlflow
    except ImportError as error:
        raise MissingPackage(f"mlflow cannot be imported ({error}). Run: make install") from error
    mlflow.set_tracking_uri(uri)
    try:
        yield mlflow.MlflowClient(uri)
    except mlflow.MlflowException as error:
        text = str(error).splitlines()[0]
        if "API request to" in text or "Max retries" in text or "Connection" in text:
            raise TrackingUnavailable(
                f"The MLflow server at {uri} went away: {text[:200]}. Start it (make up) and retry"
            ) from error
        raise TrackingError(f"MLflow at {uri} refuses: {text[:400]}") from error


def find_run(client: MlflowClient, loop: str, key: str) -> Run | None:
    """Return the run with this key, or None."""
    quoted = key.replace("'", "\\'")
    found = client.search_runs([_experiment(client, loop)], f"tags.`{KEY}` = '{quoted}'", max_results=1)
    return found[0] if found else None


def trained_run(client: MlflowClient, loop: str, key: str) -> str:
    """Return the id of the run with this key. Raises DataError where nothing was trained under it."""
    found = find_run(client, loop, key)
    if found is None:
        raise DataError(
            f"Nothing of {loop} was trained under the key {key!r}. Run: ratchet step train --loop {loop} --run {key}"
        )
    return str(found.info.run_id)


def start_run(client: MlflowClient, loop: str, key: str, tags: Mapping[str, str]) -> Run:
    """Return the run with this key: the one of an earlier try, where there is one, or a new one."""
    found = find_run(client, loop, key)
    if found is not None:
        return found
    experiment = _experiment(client, loop)
    return client.create_run(
        experiment, run_name=key, tags={KEY: key, "ratchet.contract.loop": loop, "ratchet.version": __version__, **tags}
    )


@contextmanager
def training(run_id: str) -> Iterator[None]:
    """Hold a run open while it trains, recording the machine's metrics; it ends as FINISHED or FAILED."""
    import mlflow

    mlflow.set_system_metrics_sampling_interval(1)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(run_id=run_id, log_system_metrics=True):
        yield


def log_curve(client: MlflowClient, run_id: str, curves: Mapping[str, tuple[float, ...]]) -> None:
    """Record metrics by epoch."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, step) for name, values in curves.items() for step, value in enumerate(values)]
    for start in range(0, len(metrics), 900):
        client.log_batch(run_id, metrics=metrics[start : start + 900])


def log_metrics(client: MlflowClient, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Record metrics, at a step where they are a series."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.log_batch(run_id, metrics=[Metric(name, value, now, step) for name, value in metrics.items()])


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, Any]) -> None:
    """Record parameters; ones that are there already stay (a retried run)."""
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    new = [Param(name, str(value)[:6000]) for name, value in params.items() if name not in known]
    if new:
        client.log_batch(run_id, params=new)


def log_dataset(run_id: str, name: str, digest: str, source: Mapping[str, str], context: str) -> None:
    """Record a dataset as an input of the run in hand, with its revision and hash."""
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    known = {item.dataset.digest for item in mlflow.get_run(run_id).inputs.dataset_inputs}
    if digest[:36] not in known:
        mlflow.log_input(
            MetaDataset(CodeDatasetSource(tags=dict(source)), name=name, digest=digest[:36]), context=context
        )


def log_model(model: Model, example: pa.Table) -> str:
    """Store a model with the run in hand: signature, input example, the code that loads it, and no pickle.

    Returns its URI.
    """
    import mlflow
    from mlflow.models import infer_signature

    frame = example.to_pandas()
    served = models.PyfuncModel(model)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        info = mlflow.pyfunc.log_model(
            name="model",
            loader_module="ratchet.training.model",
            data_path=str(Path(folder) / "model"),
            code_paths=[str(Path(models.__file__).parents[1])],
            signature=infer_signature(frame, served.predict(frame)),
            input_example=frame,
            pip_requirements=_requirements(),
        )
    return str(info.model_uri)


def log_files(client: MlflowClient, run_id: str, files: Mapping[str, str | bytes]) -> None:
    """Store small files with a run: path -> content."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        client.log_artifacts(run_id, folder)


def read_file(client: MlflowClient, run_id: str, name: str) -> bytes:
    """Read a file stored with a run. Raises DataError where it is not there."""
    from mlflow import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            return Path(client.download_artifacts(run_id, name, folder)).read_bytes()
        except (MlflowException, OSError) as error:
            if "Max retries" in str(error) or "Connection" in str(error):
                raise
            raise DataError(
                f"The MLflow run {run_id} has no file {name}: {str(error).splitlines()[0]}. Run the step that stores it"
            ) from None


def run_model(client: MlflowClient, run_id: str) -> Model:
    """Load the model of a run. Raises DataError where it has none."""
    uri = client.get_run(run_id).data.tags.get(MODEL)
    if not uri:
        raise DataError(f"The MLflow run {run_id} has no model. Run the train step first")
    return _load(uri, Settings.current().models / "runs" / run_id)


def version_model(version: Version) -> Model:
    """Load a registered version, from the copy on this machine where there is one."""
    return _load(f"models:/{version.loop}/{version.number}", Settings.current().models / version.loop / version.number)


def champion(client: MlflowClient, loop: str) -> Version | None:
    """Return the version that holds the alias `champion`, or None."""
    from mlflow import MlflowException

    try:
        found = client.get_model_version_by_alias(loop, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return _version(found)


def version(client: MlflowClient, loop: str, number: str) -> Version:
    """Return a registered version by its number."""
    return _version(client.get_model_version(loop, number))


def register(client: MlflowClient, loop: str, run_id: str, description: str) -> Version:
    """Register a run's model, once: a second call gives the version of the first."""
    from mlflow import MlflowException

    try:
        client.create_registered_model(loop)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = [v for v in client.search_model_versions(f"name = '{loop}'") if v.run_id == run_id]
    if found:
        return _version(min(found, key=lambda v: int(v.version)))
    uri = client.get_run(run_id).data.tags[MODEL]
    model_id = uri.removeprefix("models:/")
    return _version(client.create_model_version(loop, uri, run_id=run_id, description=description, model_id=model_id))


def tie(client: MlflowClient, refitted: Version, evaluated: Version) -> None:
    """Tie a refit and the version that was judged in its place to each other."""
    client.set_model_version_tag(refitted.loop, refitted.number, "ratchet.evaluated_version", evaluated.number)
    client.set_model_version_tag(evaluated.loop, evaluated.number, "ratchet.refit_version", refitted.number)


def size(client: MlflowClient, run_id: str) -> int:
    """Return the size of a run's model on disk, in bytes."""
    run_model(client, run_id)
    return sum(
        path.stat().st_size for path in (Settings.current().models / "runs" / run_id).rglob("*") if path.is_file()
    )


def set_champion(client: MlflowClient, version: Version) -> None:
    """Move the alias `champion`."""
    client.set_registered_model_alias(version.loop, CHAMPION, version.number)


def _version(found: ModelVersion) -> Version:
    return Version(found.name, str(found.version), str(found.run_id))


def _experiment(client: MlflowClient, loop: str) -> str:
    from mlflow import MlflowException

    known = client.get_experiment_by_name(loop)
    if known is not None:
        return str(known.experiment_id)
    try:
        return str(client.create_experiment(loop))
    except MlflowException as error:  # another process was faster
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return _experiment(client, loop)


def _load(uri: str, folder: Path) -> Model:
    if not folder.is_dir():
        import mlflow

        with storage_errors(folder), atomic(folder) as temporary, tempfile.TemporaryDirectory() as download:
            local = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=download))
            data = next(local.rglob("ratchet.json"), None)
            if data is None:
                raise DataError(f"{uri} is not a model of Ratchet: it holds no ratchet.json")
            shutil.copytree(data.parent, temporary)
    try:
        return models.load(folder)
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise DataError(f"The copy of {uri} in {folder} is damaged: {error}. Delete that folder and retry") from error


def _wait_for(uri: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5):  # noqa: S310 (the scheme is the operator's)
                return
        except (urllib.error.URLError, OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise TrackingUnavailable(
                    f"The MLflow server at {uri} does not answer ({error}). Start it (make up), or set MLFLOW_TRACKING_URI; then retry"
                ) from None
            time.sleep(0.5)


def _requirements() -> list[str]:
    from importlib.metadata import version as installed

    names = ("mlflow", "numpy", "pandas", "pyarrow", "pydantic", "safetensors", "scikit-learn", "skops", "torch")
    return [f"{name}=={installed(name).split('+')[0]}" for name in names]
