"""Two weeks of the wind, ready to be trained on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import runs, writing
from ratchet.decisions import lifecycle
from ratchet.lifecycle import dataset, ledger
from tests.conftest import ingest, lay
from tests.given.entries import entry

DAYS = "2013-01-02..2013-01-14"


@pytest.fixture(scope="session")
def two_weeks(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Path:
    """Two weeks of the regression's data, ingested once for all tests."""
    folder = tmp_path_factory.mktemp("two-weeks")
    with pytest.MonkeyPatch.context() as patch:
        lay(folder / "var", loops_folder, folder, patch.setenv)
        ingest("wind", DAYS)
    return folder / "var"


@pytest.fixture
def wind(tracked: Path, two_weeks: Path) -> Iterator[str]:
    """The regression with two weeks of data, and MLflow as if it had never heard of it."""
    shutil.copytree(two_weeks, tracked / "var", symlinks=True, dirs_exist_ok=True)
    yield "wind"
    with runs.connected() as client:
        experiment = client.raw.get_experiment_by_name("wind")
        if experiment is not None:
            client.raw.rename_experiment(experiment.experiment_id, f"wind-{experiment.experiment_id}")
        if client.raw.search_registered_models("name = 'wind'"):
            client.raw.delete_registered_model("wind")


def let_win(name: str, run: str, mlflow_run: str) -> None:
    """Let a run have won against the present champion, whatever became of it before."""
    loop, entries = catalog.load(name), ledger.read(catalog.load(name))
    if lifecycle.won(entries, mlflow_run) is None:
        about = {"mlflow_run": mlflow_run, "evaluated": mlflow_run, "champion": lifecycle.champion(entries)}
        with writing.held(dataset.registry()) as writer:
            ledger.write(writer, loop, [entry("won", run, key=f"won:{mlflow_run}", reason="a test", **about)])


def kinds(name: str) -> list[str]:
    return [entry.kind for entry in ledger.read(catalog.load(name))]
