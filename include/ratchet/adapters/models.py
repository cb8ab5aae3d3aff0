"""Models in MLflow: stored with a run, registered, loaded, and which of them is champion."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet import extensions
from ratchet.adapters import runs
from ratchet.adapters.runs import Tracking
from ratchet.errors import DataError, MissingPackage, ModelLost, storage_errors
from ratchet.files import atomic
from ratchet.settings import Settings
from ratchet.training import model as stored

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow.entities.model_registry import ModelVersion

    from ratchet.training.model import Model

CHAMPION = "champion"
SHA256 = "ratchet.model_sha256"  # tag of a run, for people: hash of its model as it was stored
_log = logging.getLogger("ratchet")
# What loads a model, of the package `ratchet`: each file is a request to MLflow (50 ms), and the whole package has 150.
_CODE = ("*.py", "contract/*.py", "training/*.py", "training/trainers/*.py")


@dataclass(frozen=True)
class Version:
    """A registered model version."""

    loop: str
    number: str
    run_id: str


def log_model(model: Model, example: pa.Table) -> tuple[str, str]:
    """Store a model with the run in hand: signature, input example, the code that loads it, and no pickle.

    Returns its URI, and the hash that every load of it is compared with.
    """
    import mlflow
    from mlflow.models import infer_signature

    frame = example.to_pandas()
    served = stored.PyfuncModel(model)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        info = mlflow.pyfunc.log_model(
            name="model",
            loader_module="ratchet.training.model",
            data_path=str(Path(folder) / "model"),
            code_paths=[str(_code(Path(folder)))],
            signature=infer_signature(frame, served.predict(frame)),
            input_example=frame,
            pip_requirements=_requirements(model),
        )
        return str(info.model_uri), stored.digest(Path(folder) / "model")


def run_model(loop: str, uri: str, run_id: str, sha256: str) -> Model:
    """Load the model of a run. Raises DataError where its hash is not the one that is given, ModelLost without it."""
    return _load(loop, uri, Settings.current().models / "runs" / run_id, sha256)


def version_model(version: Version, sha256: str) -> Model:
    """Load a registered version, from the copy on this machine where there is one.

    Raises DataError where its hash is not the one that is given, ModelLost where it is gone.
    """
    folder = Settings.current().models / version.loop / version.number
    return _load(version.loop, f"models:/{version.loop}/{version.number}", folder, sha256)


def digest(uri: str) -> str:
    """Return the hash of a model as it lies in MLflow."""
    with tempfile.TemporaryDirectory() as download:
        return stored.digest(_download(uri, Path(download)))


def champion(client: Tracking, loop: str) -> Version | None:
    """Return the version that holds the alias `champion`, or None."""
    from mlflow import MlflowException

    try:
        found = client.raw.get_model_version_by_alias(loop, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return _version(found)


def version(client: Tracking, loop: str, number: str) -> Version:
    """Return a registered version by its number. Raises ModelLost where there is none."""
    from mlflow import MlflowException

    try:
        return _version(client.raw.get_model_version(loop, number))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        where = f"v{number} of {loop} is not in MLflow at {Settings.current().tracking_uri}"
        why = "the version, or its registered model, was deleted, or this is another MLflow"
        raise _lost(loop, f"{where}: {why}") from None


def versions(client: Tracking, loop: str) -> list[Version]:
    """List the registered versions of a loop."""
    search = partial(client.raw.search_model_versions, f"name = '{loop}'")
    return [_version(each) for each in runs.every(search)]


def register(client: Tracking, loop: str, run_id: str, uri: str, description: str, above: int = 0) -> Version:
    """Register a run's model, once: a second call gives the version of the first.

    above: the highest number that the ledger has. MLflow counts anew where it has forgotten a registered model, and no
    number names two models: what it counts below is passed over.
    """
    from mlflow import MlflowException

    try:
        client.raw.create_registered_model(loop)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = [each for each in versions(client, loop) if each.run_id == run_id and int(each.number) > above]
    if found:
        return min(found, key=lambda each: int(each.number))
    model_id = uri.removeprefix("models:/")
    while True:
        made = _version(
            client.raw.create_model_version(loop, uri, run_id=run_id, description=description, model_id=model_id)
        )
        if int(made.number) > above:
            return made
        client.raw.delete_model_version(loop, made.number)


def tie(client: Tracking, refitted: Version, evaluated: Version) -> None:
    """Tie a refit and the version that was judged in its place to each other."""
    client.raw.set_model_version_tag(refitted.loop, refitted.number, "ratchet.evaluated_version", evaluated.number)
    client.raw.set_model_version_tag(evaluated.loop, evaluated.number, "ratchet.refit_version", refitted.number)


def local(run_id: str) -> tuple[str, int]:
    """Return hash and size in bytes of a run's model, once it was loaded."""
    folder = Settings.current().models / "runs" / run_id
    return stored.digest(folder), sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def set_champion(client: Tracking, version: Version) -> None:
    """Move the alias `champion`."""
    client.raw.set_registered_model_alias(version.loop, CHAMPION, version.number)


def clear_champion(client: Tracking, loop: str) -> None:
    """Take the alias `champion` away."""
    client.raw.delete_registered_model_alias(loop, CHAMPION)


def rename(client: Tracking, old: str, new: str) -> bool:
    """Rename a loop's registered model with all its versions; say whether there was one of the old name."""
    from mlflow import MlflowException

    try:
        client.raw.rename_registered_model(old, new)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def _version(found: ModelVersion) -> Version:
    return Version(found.name, str(found.version), str(found.run_id))


def _lost(loop: str, said: str) -> ModelLost:
    return ModelLost(f"{said}. What is lost, and the way on: ratchet recover {loop}")


def _load(loop: str, uri: str, folder: Path, sha256: str) -> Model:
    if folder.is_dir() and stored.digest(folder) != sha256:
        _log.warning("the copy of %s in %s was changed since it was made, and is taken again", uri, folder)
        shutil.rmtree(folder)
    if not folder.is_dir():
        with storage_errors(folder), atomic(folder) as temporary, tempfile.TemporaryDirectory() as download:
            data = _brought(loop, uri, Path(download))
            if (found := stored.digest(data)) != sha256:
                raise DataError(
                    f"{uri} in MLflow is not the model that was stored and judged: its files have the SHA-256 "
                    f"{found[:12]}…, which was {sha256[:12]}…. Nothing is predicted with it. Bring MLflow's artifacts "
                    f"back from a backup, or go on without it: ratchet recover {loop}"
                )
            shutil.copytree(data, temporary)
    try:
        return stored.load(folder)
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise DataError(f"The copy of {uri} in {folder} is damaged: {error}. Delete that folder and retry") from error


def _brought(loop: str, uri: str, folder: Path) -> Path:
    """Bring a model from MLflow. Raises ModelLost where MLflow has its files no longer."""
    from mlflow import MlflowException

    try:
        return _download(uri, folder)
    except (MlflowException, OSError, DataError) as error:
        if runs.away(error):
            raise
        raise _lost(loop, f"{uri} cannot be read from MLflow: {str(error).splitlines()[0][:200]}") from error


def _download(uri: str, folder: Path) -> Path:
    """Bring a model from MLflow; return the folder of its own files. Raises DataError where it is none of Ratchet's."""
    import mlflow

    local = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))
    data = next(local.rglob("ratchet.json"), None)
    if data is None:
        raise DataError(f"{uri} is not a model of Ratchet: it holds no ratchet.json")
    return data.parent


def _code(folder: Path) -> Path:
    """Copy the part of Ratchet that loads a model into a folder."""
    package, copy = Path(stored.__file__).parents[1], folder / "ratchet"
    for file in (file for pattern in _CODE for file in package.glob(pattern)):
        target = copy / file.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return copy


def _requirements(model: Model) -> list[str]:
    """List what a stored model needs, as installed here. Raises MissingPackage where its trainer names what is not."""
    needed = {}
    for name in ("mlflow", "numpy", "pandas", "pyarrow", "pydantic", *model.code.REQUIREMENTS):
        try:
            needed[name] = f"{name}=={metadata.version(name).split('+')[0]}"
        except metadata.PackageNotFoundError:
            raise MissingPackage(
                f"The trainer {model.trainer!r} names the package {name!r} in REQUIREMENTS, which is not installed. "
                "Install it, or mend the name: it is a distribution's, with no version"
            ) from None
    whole = extensions.requirement("trainers", model.trainer)
    return [*needed.values(), *([whole] if whole else [])]
