"""Runs in MLflow, and MLflow away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.errors import DataError, MissingPackage, TrackingError, TrackingUnavailable
from ratchet.lifecycle import predictions
from ratchet.settings import Settings
from tests.conftest import ROOT, MlflowServer, ingest, rename, step
from tests.given.lines import Line
from tests.given.watched import NIGHT


def test_mlflow_down_for_a_moment(place: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    line, name = Line(mlflow_server.port), rename(place, "wind", "wind_cut_off")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", line.url)
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    try:
        ingest(name, "2013-01-02..2013-01-08")
        step("snapshot", name, run="first")
        with pytest.raises(TrackingUnavailable, match="does not answer") as caught:
            step("train", name, run="first")
        assert caught.value.retriable
        line.mend()
        made = step("train", name, run="first").mlflow_run
        # It goes away in the middle of a step, too.
        with pytest.raises(TrackingUnavailable, match="went away"), runs.connected() as client:
            line.cut()
            client.raw.get_run(made)
        line.mend()
        assert step("train", name, run="first").outcome == "unchanged"
    finally:
        line.cut()


@pytest.mark.parametrize(
    ("package", "name", "request_"),
    [("mlflow", "score", {"partition": NIGHT}), ("evidently", "explain", {"partition": NIGHT})],
)
def test_a_missing_package_is_named(
    watched: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, request_: dict[str, Any]
) -> None:
    import sys

    step("drift", "wind_watched", partition=NIGHT)
    for module in [module for module in sys.modules if module == package or module.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    predictions.live(catalog.load("wind_watched"), NIGHT).unlink()
    with pytest.raises(MissingPackage, match=f"{package} cannot be imported.*make install"):
        step(name, "wind_watched", **request_)


def test_a_run_is_found_by_its_key_and_made_once(tracked: Path) -> None:
    with runs.connected() as client:
        assert runs.find_run(client, "wind_runs", "it's") is None
        made = runs.start_run(client, "wind_runs", "it's", {"x": "1"})
        again = runs.start_run(client, "wind_runs", "it's", {"x": "2"})
        assert (again.run_id, again.tags["x"]) == (made.run_id, "1")
        runs.retag(client, again, {"x": "2", "y": "3"})
        assert {name: client.tags(made.run_id)[name] for name in ("x", "y", runs.KEY)} == {
            "x": "2",
            "y": "3",
            runs.KEY: "it's",
        }
        runs.log_params(client, made.run_id, {"a": 1, "b": 2})
        runs.log_params(client, made.run_id, {"a": 9, "c": 3})
        assert client.params(made.run_id) == {"a": "1", "b": "2", "c": "3"}
        runs.log_metrics(client, made.run_id, {"loss": 2.0}, step=1)
        runs.log_metrics(client, made.run_id, {"loss": 1.0}, step=2)
        assert client.metrics(made.run_id) == {"loss": 1.0}
        runs.log_curve(client, made.run_id, {"curve": tuple(float(i) for i in range(1000))})
        curve = client.raw.get_metric_history(made.run_id, "curve")
        assert [(point.step, point.value) for point in curve] == [(i, float(i)) for i in range(1000)]


def test_a_file_is_read_as_it_was_stored(tracked: Path) -> None:
    with runs.connected() as client:
        run = runs.start_run(client, "wind_files", "key", {}).run_id
        runs.log_files(client, run, {"deep/text.json": "{}", "bytes": b"\x00"})
        assert runs.read_file(client, run, "deep/text.json") == b"{}"
        assert runs.read_file(client, run, "bytes") == b"\x00"
        with pytest.raises(DataError, match=f"The MLflow run {run} has no file nothing"):
            runs.read_file(client, run, "nothing")


def test_what_mlflow_refuses_is_not_called_away(tracked: Path) -> None:
    with pytest.raises(TrackingError, match="refuses") as caught, runs.connected() as client:
        client.tags("no-such-run")
    assert not caught.value.retriable


@pytest.mark.parametrize("place_of_models", ["sqlite:///{folder}/elsewhere.db", "{folder}/elsewhere"])
def test_models_are_registered_where_the_runs_are_whatever_a_variable_says(
    tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place_of_models: str
) -> None:
    """A first champion went into another registry once, with exit code 0."""
    import mlflow

    monkeypatch.setenv("MLFLOW_REGISTRY_URI", place_of_models.format(folder=tmp_path))
    monkeypatch.setattr("mlflow.tracking._model_registry.utils._registry_uri", None)  # as where a process begins
    name = f"elsewhere-{tmp_path.name}"
    with runs.connected() as client:
        client.raw.create_registered_model(name)
        assert mlflow.get_registry_uri() == Settings.current().tracking_uri
    assert not [*tmp_path.glob("elsewhere*")]


def test_the_command_line_asks_the_registry_of_the_runs(
    tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    words = [sys.executable, "-m", "ratchet", "prune", "wind", "--dry-run"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "include")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "elsewhere.db").exists()
