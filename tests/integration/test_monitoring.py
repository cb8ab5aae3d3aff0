"""Scoring and monitoring against the real Evidently and MLflow."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ratchet import catalog
from ratchet.adapters import runs
from ratchet.cli import ratchet
from ratchet.data import tables
from ratchet.errors import DataError, MissingPackage, TrackingUnavailable
from ratchet.lifecycle import dataset, ledger, predictions
from ratchet.settings import Settings
from ratchet.steps import drift
from tests.conftest import MlflowServer, free_port, ingest, lay, rename, step, train

NIGHT = "2013-01-16"


@pytest.fixture(scope="module")
def champion(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], mlflow_server: MlflowServer
) -> Path:
    """The regression `wind_watched` with a champion and the nights up to the 16th, made once for this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("watched")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        rename(folder, "wind", "wind_watched")
        ingest("wind_watched", "2013-01-02..2013-01-14")
        assert train("wind_watched", "first").version == "1"
        ingest("wind_watched", f"2013-01-15..{NIGHT}")
        for day in ("2013-01-15", NIGHT):
            step("score", "wind_watched", partition=day)
    return folder


@pytest.fixture
def watched(champion: Path, tmp_path: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change; the champion itself is the same."""
    place = tmp_path / "copy"
    shutil.copytree(champion, place, symlinks=True)
    for name, value in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(place / value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    return place


def _replace(place: Path, old: str, new: str) -> None:
    path = place / "loops" / "wind_watched" / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_row_has_the_version_of_its_model(watched: Path) -> None:
    held = tables.read_table(predictions.live(catalog.load("wind_watched"), NIGHT))
    assert held.num_rows == 72
    assert set(held.column("model_version").to_pylist()) == {"1"}
    assert held.column("prediction").null_count == 0
    again = step("score", "wind_watched", partition=NIGHT)
    assert (again.outcome, again.rows, again.new) == ("unchanged", 72, 0)


def test_a_prediction_once_made_stays_and_new_rows_get_theirs(watched: Path) -> None:
    path = predictions.live(catalog.load("wind_watched"), NIGHT)
    whole = tables.read_table(path)
    tables.write_table(whole.slice(10), path)
    result = step("score", "wind_watched", partition=NIGHT)
    assert (result.rows, result.new) == (72, 10)
    assert tables.content_hash(tables.read_table(path)) == tables.content_hash(whole)


def test_without_a_champion_there_is_nothing_to_do(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_alone")
    ingest(name, "2013-01-02")
    for part in ("score", "drift", "performance"):
        result = step(part, name, partition="2013-01-02")
        assert result.outcome == "skipped"
        assert "no champion yet" in result.reason
    assert step("decide", name, partition="2013-01-02").verdict == "wait"


def test_a_night(watched: Path) -> None:
    found = step("drift", "wind_watched", partition=NIGHT)
    assert found.days == 3
    page = Path(found.report)
    assert page.stat().st_size > 1_000_000
    with runs.connected() as client:
        assert f"drift/{NIGHT}.html" in [item.path for item in client.raw.list_artifacts(found.mlflow_run, "drift")]
    measured = step("performance", "wind_watched", partition=NIGHT)
    assert list(measured.days) == ["2013-01-15"]  # the labels of the 16th come a day later
    assert measured.days["2013-01-15"]["1"]["mae"] > 0
    decided = step("decide", "wind_watched", partition=NIGHT)
    before = dataset.registry().head()
    again = [step(part, "wind_watched", partition=NIGHT) for part in ("drift", "performance", "decide")]
    assert again[0].outcome == "unchanged"
    assert again[0].drifted == found.drifted
    assert again[1].days == measured.days
    assert (again[2].verdict, again[2].key) == (decided.verdict, decided.key)
    assert dataset.registry().head() == before


def test_a_broken_sensor_is_drift_and_asks_once(watched: Path) -> None:
    """All temperatures missing: the feature that says so drifts, however the others look."""
    _replace(watched, "SELECT * FROM", "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp) FROM")
    ingest("wind_watched", f"2013-01-13..{NIGHT}", "broken-sensor")
    found = step("drift", "wind_watched", partition=NIGHT)
    assert "temp_now is" in found.drifted
    step("performance", "wind_watched", partition=NIGHT)
    decided = step("decide", "wind_watched", partition=NIGHT)
    assert decided.verdict == "retrain"
    assert decided.key == f"drift__v1__{NIGHT}"
    assert step("decide", "wind_watched", partition=NIGHT).key == decided.key
    requests = [entry for entry in ledger.read(catalog.load("wind_watched")) if entry["kind"] == "requested"]
    assert [entry["partition"] for entry in requests] == [NIGHT]


def test_bad_data_vetoes(watched: Path) -> None:
    _replace(
        watched,
        "SELECT * FROM",
        "SELECT * REPLACE (CAST(NULL AS DOUBLE) AS temp, CAST(900 AS DOUBLE) AS wind_speed) FROM",
    )
    assert ingest("wind_watched", NIGHT, "broken").outcome == "refused"
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=NIGHT)
    report = drift.folder(catalog.load("wind_watched"), NIGHT) / "drift.json"
    report.write_text(json.dumps({**json.loads(report.read_text()), "drifted": ["temp_now"]}))
    decided = step("decide", "wind_watched", partition=NIGHT)
    assert decided.verdict == "veto"
    assert NIGHT in decided.reason
    assert [entry["kind"] for entry in ledger.read(catalog.load("wind_watched"))] == ["promoted", "vetoed"]


def test_a_person_asks_and_pauses(watched: Path) -> None:
    for part in ("drift", "performance"):
        step(part, "wind_watched", partition=NIGHT)
    report = drift.folder(catalog.load("wind_watched"), NIGHT) / "drift.json"
    report.write_text(json.dumps({**json.loads(report.read_text()), "drifted": []}))
    assert step("decide", "wind_watched", partition=NIGHT).verdict == "wait"
    for command in ("request", "pause"):
        assert CliRunner().invoke(ratchet, [command, "wind_watched", "--reason", "a new anemometer"]).exit_code == 0
    paused = step("decide", "wind_watched", partition=NIGHT)
    assert paused.verdict == "wait"
    assert "Paused: a new anemometer" in paused.reason
    CliRunner().invoke(ratchet, ["resume", "wind_watched"])
    admitted = step("decide", "wind_watched", partition=NIGHT)
    assert admitted.verdict == "retrain"
    assert "(a new anemometer)" in admitted.reason
    assert admitted.key == f"request__v1__{NIGHT}"
    assert [entry["kind"] for entry in ledger.read(catalog.load("wind_watched"))] == [
        "promoted",
        "asked",
        "paused",
        "resumed",
        "requested",
    ]


def test_calibration_says_what_it_does(watched: Path) -> None:
    said = CliRunner().invoke(ratchet, ["calibrate", "wind_watched", "--years", "5"])
    assert said.exit_code == 0, said.output
    assert "wind_now" in said.output
    assert "calibrated: " in said.output
    assert "evidently, any column: " in said.output


def test_an_estimate_without_labels_is_near_the_truth() -> None:
    """Of calibrated predictions the expected loss is the loss; of a regression nothing is said."""
    from ratchet.monitoring import estimate
    from ratchet.training.metrics import row_losses

    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 20_000)
    target = (rng.random(20_000) < p**2).astype(float)  # predictions are too high: calibration has to see it
    knots = estimate.calibrate("binary", target[:10_000], p[:10_000])
    for loss in ("log_loss", "brier"):
        truth = row_losses(loss, target[10_000:], p[10_000:]).mean()  # type: ignore[arg-type]
        estimated = estimate.losses(loss, knots, p[10_000:]).mean()  # type: ignore[arg-type]
        assert estimated == pytest.approx(truth, rel=0.03)
    three = rng.dirichlet([1, 1, 1], 20_000)
    drawn = (rng.random((20_000, 1)) > three.cumsum(axis=1)).sum(axis=1).astype(float)
    knots = estimate.calibrate("multiclass", drawn[:10_000], three[:10_000])
    truth = row_losses("log_loss", drawn[10_000:], three[10_000:]).mean()
    assert estimate.losses("log_loss", knots, three[10_000:]).mean() == pytest.approx(truth, rel=0.03)
    assert estimate.calibrate("regression", target, p) == {}


def test_decide_wants_a_night_that_was_measured(watched: Path) -> None:
    with pytest.raises(DataError, match="Run the steps drift and performance"):
        step("decide", "wind_watched", partition="2013-01-15")


def test_a_damaged_copy_of_a_model_is_named(watched: Path) -> None:
    folder = Settings.current().models / "wind_watched" / "1"
    (folder / "ratchet.json").write_text("{")
    predictions.live(catalog.load("wind_watched"), NIGHT).unlink()
    with pytest.raises(DataError, match="Delete that folder"):
        step("score", "wind_watched", partition=NIGHT)
    shutil.rmtree(folder)
    assert step("score", "wind_watched", partition=NIGHT).new == 72


def test_mlflow_down_for_a_moment(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MlflowServer(tmp_path_factory.mktemp("own"), free_port())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setattr(runs, "_PATIENCE", 0.5)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    server.start()
    try:
        ingest("wind", "2013-01-02..2013-01-08")
        step("snapshot", "wind", run="first")
        server.stop()
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
