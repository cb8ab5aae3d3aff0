"""Runs in MLflow, and MLflow away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.errors import MissingPackage, TrackingUnavailable
from ratchet.lifecycle import predictions
from tests.conftest import MlflowServer, free_port, ingest, step
from tests.given.watched import NIGHT


def test_mlflow_down_for_a_moment(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MlflowServer(tmp_path_factory.mktemp("own"), free_port())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    try:
        ingest("wind", "2013-01-02..2013-01-08")
        step("snapshot", "wind", run="first")
        with pytest.raises(TrackingUnavailable, match="does not answer") as caught:
            step("train", "wind", run="first")
        assert caught.value.retriable
        server.start()
        made = step("train", "wind", run="first").mlflow_run
        # It goes away in the middle of a step, too.
        with pytest.raises(TrackingUnavailable, match="went away"), runs.connected() as client:
            server.stop()
            client.raw.get_run(made)
        server.start()
        assert step("train", "wind", run="first").outcome == "unchanged"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("package", "name", "request_"),
    [("mlflow", "score", {"partition": NIGHT}), ("evidently", "drift", {"partition": NIGHT})],
)
def test_a_missing_package_is_named(
    watched: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, request_: dict[str, Any]
) -> None:
    import sys

    for module in [module for module in sys.modules if module == package or module.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    predictions.live(catalog.load("wind_watched"), NIGHT).unlink()
    with pytest.raises(MissingPackage, match=f"{package} cannot be imported.*make install"):
        step(name, "wind_watched", **request_)
