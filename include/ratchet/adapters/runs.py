"""Runs in MLflow, through its server; never through its database, for SQLite locks under parallel clients."""

from __future__ import annotations

import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet import __version__
from ratchet.errors import DataError, MissingPackage, TrackingError, TrackingUnavailable
from ratchet.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

KEY = "ratchet.key"
MODEL = "ratchet.model"
READ = "data.read"  # a tag: the days that the features of training and holdout were made of
SAMPLING = 1.0  # seconds between two looks at the machine while a model is trained
BIN = "deleted"  # MLflow's word for what is in its bin
_PATIENCE = 20.0  # seconds that a step waits for MLflow before it leaves the waiting to the scheduler's retries


@dataclass(frozen=True)
class Run:
    """A run."""

    run_id: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Tracking:
    """MLflow, connected: what the rest of Ratchet asks of a run. The client itself is for the adapters alone."""

    raw: MlflowClient

    def tags(self, run: str) -> dict[str, str]:
        """Return a run's tags."""
        return dict(self.raw.get_run(run).data.tags)

    def metrics(self, run: str) -> dict[str, float]:
        """Return a run's metrics, the latest value of each."""
        return dict(self.raw.get_run(run).data.metrics)

    def params(self, run: str) -> dict[str, str]:
        """Return a run's parameters."""
        return dict(self.raw.get_run(run).data.params)

    def delete(self, run: str) -> None:
        """Let a run and its model go: they can be restored until `mlflow gc` removes them."""
        if model := self.tags(run).get(MODEL):
            self.raw.delete_logged_model(model.removeprefix("models:/"))
        self.raw.delete_run(run)

    def set_tag(self, run: str, name: str, value: str) -> None:
        """Set a run's tag."""
        self.raw.set_tag(run, name, value)


@contextmanager
def connected() -> Iterator[Tracking]:
    """Return MLflow, connected. Raises TrackingUnavailable where it does not answer."""
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
    mlflow.set_registry_uri(uri)  # whatever MLFLOW_REGISTRY_URI says: versions and runs are one store's
    try:
        yield Tracking(mlflow.MlflowClient(uri, uri))
    except mlflow.MlflowException as error:
        text = str(error).splitlines()[0]
        if away(error):
            raise TrackingUnavailable(
                f"The MLflow server at {uri} went away: {text[:200]}. Start it (make up) and retry"
            ) from error
        raise TrackingError(f"MLflow at {uri} refuses: {text[:400]}") from error


def away(error: Exception) -> bool:
    """Say whether an error means that MLflow went away, and nothing about what it holds."""
    text = str(error).partition("\n")[0]
    return any(said in text for said in ("API request to", "Max retries", "Connection"))


def find_run(client: Tracking, loop: str, key: str) -> Run | None:
    """Return the run with this key, or None."""
    quote = '"' if "'" in key else "'"  # MLflow's filters know no escape
    wanted = f"tags.`{KEY}` = {quote}{key}{quote}"
    found = client.raw.search_runs([_experiment(client, loop)], wanted, max_results=1)
    return _run(found[0]) if found else None


def tagged(client: Tracking, loop: str, tag: str) -> dict[str, str]:
    """Return the runs of a loop that have a tag: run -> its value."""
    experiment = client.raw.get_experiment_by_name(loop)
    if experiment is None:
        return {}
    search = partial(client.raw.search_runs, [experiment.experiment_id])
    return {str(run.info.run_id): run.data.tags[tag] for run in every(search) if tag in run.data.tags}


def rename(client: Tracking, old: str, new: str) -> bool:
    """Rename a loop's experiment; say whether there was one of the old name."""
    experiment = client.raw.get_experiment_by_name(old)
    if experiment is None:
        return False
    client.raw.rename_experiment(experiment.experiment_id, new)
    return True


def begun_before(client: Tracking, loop: str, when: float) -> list[str]:
    """List the runs of a loop that a step has begun before a time, in seconds since 1970."""
    experiment = client.raw.get_experiment_by_name(loop)
    if experiment is None:
        return []
    wanted = f"attributes.start_time < {int(when * 1000)}"
    search = partial(client.raw.search_runs, [experiment.experiment_id], wanted)
    return [str(run.info.run_id) for run in every(search) if KEY in run.data.tags]


def every(search: Callable[..., Any]) -> Iterator[Any]:
    """Yield what one of MLflow's searches finds, page by page."""
    token = None
    while True:
        page = search(max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def start_run(client: Tracking, loop: str, key: str, tags: Mapping[str, str], name: str = "") -> Run:
    """Return the run with this key: the one of an earlier try, where there is one, or a new one. name: for people."""
    found = find_run(client, loop, key)
    if found is not None:
        return found
    about = {KEY: key, "ratchet.loop": loop, "ratchet.version": __version__, **tags}
    return _run(client.raw.create_run(_experiment(client, loop), run_name=name or key, tags=about))


def retag(client: Tracking, run: Run, tags: Mapping[str, str]) -> None:
    """Let the run of an earlier try say what this try does: it may know later days, or be of other code."""
    from mlflow.entities import RunTag

    stale = [RunTag(name, value) for name, value in tags.items() if run.tags.get(name) != value]
    if stale:
        client.raw.log_batch(run.run_id, tags=stale)


@contextmanager
def training(run_id: str) -> Iterator[None]:
    """Hold a run open while it trains, recording the machine's metrics; it ends as FINISHED or FAILED."""
    import mlflow

    mlflow.set_system_metrics_sampling_interval(SAMPLING)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(run_id=run_id, log_system_metrics=True):
        yield


def log_curve(client: Tracking, run_id: str, curves: Mapping[str, tuple[float, ...]]) -> None:
    """Record metrics by epoch."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, step) for name, values in curves.items() for step, value in enumerate(values)]
    for start in range(0, len(metrics), 900):
        client.raw.log_batch(run_id, metrics=metrics[start : start + 900])


def log_metrics(client: Tracking, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Record metrics, at a step where they are a series."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    client.raw.log_batch(run_id, metrics=[Metric(name, value, now, step) for name, value in metrics.items()])


def log_params(client: Tracking, run_id: str, params: Mapping[str, Any]) -> None:
    """Record parameters; ones that are there already stay (a retried run)."""
    from mlflow.entities import Param

    known = client.raw.get_run(run_id).data.params
    new = [Param(name, str(value)[:6000]) for name, value in params.items() if name not in known]
    if new:
        client.raw.log_batch(run_id, params=new)


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


def log_files(client: Tracking, run_id: str, files: Mapping[str, str | bytes]) -> None:
    """Store small files with a run: path -> content."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        client.raw.log_artifacts(run_id, folder)


def read_file(client: Tracking, run_id: str, name: str) -> bytes:
    """Read a file stored with a run. Raises DataError where it is not there."""
    from mlflow import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            return Path(client.raw.download_artifacts(run_id, name, folder)).read_bytes()
        except (MlflowException, OSError) as error:
            if away(error):
                raise
            raise DataError(
                f"The MLflow run {run_id} has no file {name}: {str(error).splitlines()[0]}. Run the step that stores it"
            ) from None


def _experiment(client: Tracking, loop: str) -> str:
    from mlflow import MlflowException

    known = client.raw.get_experiment_by_name(loop)
    if known is not None and known.lifecycle_stage == BIN:
        raise TrackingError(
            f"The experiment {loop} is in the bin of MLflow at {Settings.current().tracking_uri}. "
            f"Bring it back: ratchet recover {loop}"
        )
    if known is not None:
        return str(known.experiment_id)
    try:
        return str(client.raw.create_experiment(loop))
    except MlflowException as error:  # another process was faster
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return _experiment(client, loop)


def answers(uri: str) -> bool:
    """Say whether a server answers now."""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=2):  # noqa: S310 (the operator's)
            return True
    except (OSError, ValueError):
        return False


def _wait_for(uri: str) -> None:
    health = f"{uri.rstrip('/')}/health"
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with urllib.request.urlopen(health, timeout=5):  # noqa: S310 (the scheme is the operator's)
                return
        except (urllib.error.URLError, OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise TrackingUnavailable(
                    f"The MLflow server at {uri} does not answer ({error}). "
                    "Start it (make up), or set MLFLOW_TRACKING_URI; then retry"
                ) from None
            time.sleep(0.5)


def _run(found: MlflowRun) -> Run:
    return Run(str(found.info.run_id), dict(found.data.tags))
