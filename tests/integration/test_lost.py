"""A loop whose MLflow loses what it needs, one thing after another, and that goes on: nights, and a new champion.

One life: the tests of this file build on each other, in the order in which they stand.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs, writing
from ratchet.cli import start
from ratchet.decisions import anchors, lifecycle, shadows
from ratchet.errors import DataError, ModelLost, RatchetError, TrackingError
from ratchet.lifecycle import dataset, ledger
from ratchet.partitions import shift
from ratchet.settings import Settings
from tests.conftest import MlflowServer, free_port, ingest, lay, rename, step, train
from tests.given.entries import entry
from tests.unit.cli.conftest import Ratchet, ratchet

__all__ = ["ratchet"]
pytestmark = pytest.mark.xdist_group("lost")

NAME, FIRST_NIGHT = "wind_lost", "2013-01-15"
WIDE = "margin: 100\n  bound: 201"  # four days let everybody in
WAY = rf"What is lost, and the way on: ratchet recover {NAME}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    found = MlflowServer(tmp_path_factory.mktemp("lost-mlflow"), free_port())
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def life(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], server: MlflowServer
) -> Iterator[Path]:
    """A champion, its predecessor, which is the anchor too, and the night on which it came."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lost")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        patch.setenv("MLFLOW_TRACKING_URI", server.url)
        rename(folder, "wind", NAME)
        _contract(folder, "  aim: superior", f"  aim: non_inferior\n  {WIDE}")
        ingest(NAME, "2013-01-02..2013-01-14")
        assert train(NAME, "first").version == "1"
        _live()
        second = train(NAME, "second")
        assert second.version == "2", second.reason
        with writing.held(dataset.registry()) as writer:
            about = {"version": "1", "best": _anchor(), "partition": FIRST_NIGHT}
            ledger.write(writer, catalog.load(NAME), [entry("anchored", key="anchored", reason="a test", **about)])
        yield folder


def _contract(folder: Path, old: str, new: str) -> None:
    path = folder / "loops" / NAME / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def _night() -> str:
    """Return the night that comes next."""
    loop = catalog.load(NAME)
    return shift(dataset.published(dataset.registry(), loop, "HEAD")[-1], 1)


def _live() -> Any:
    """Live a night by its steps; return what it scored."""
    night = _night()
    ingest(NAME, night)
    return _monitored(night)


def _monitored(night: str) -> Any:
    scored = step("score", NAME, partition=night)
    for name in ("drift", "performance", "decide", "duel"):
        step(name, NAME, partition=night)
    return scored


def _state() -> tuple[str | None, str | None, str]:
    """Return the champion, its predecessor and the anchor, as the ledger has them; MLflow's alias says the same."""
    entries = ledger.read(catalog.load(NAME))
    before = shadows.predecessor(entries)
    with runs.connected() as client:
        alias = models.champion(client, NAME)
    assert (alias.number if alias else None) == lifecycle.champion(entries)
    return lifecycle.champion(entries), before.version if before else None, _anchor()


def _anchor() -> str:
    found = anchors.anchor(ledger.read(catalog.load(NAME)))
    assert found is not None
    return "baseline" if shadows.trained_with(found.name) else found.name


def _refused(night: str, key: str, *names: str) -> None:
    """Check that these steps say what is lost, and name the way on."""
    for name in names:
        request = {"run": key} if name == "evaluate" else {"partition": night}
        with pytest.raises(ModelLost, match=WAY):
            step(name, NAME, **request)


def _trained(key: str) -> None:
    step("snapshot", NAME, run=key)
    step("train", NAME, run=key, reason="a test")


def test_without_loss_there_is_nothing_to_recover(life: Path, ratchet: Ratchet) -> None:
    assert _state() == ("2", "1", "1")
    code, out, _ = ratchet("recover", NAME, "--let-go", "a test")
    assert (code, out) == (0, f"Nothing that {NAME} needs is missing in MLflow at {Settings.current().tracking_uri}\n")
    assert _state() == ("2", "1", "1")


def test_a_champion_whose_version_is_deleted_leaves_its_place_to_the_one_before_it(
    life: Path, ratchet: Ratchet
) -> None:
    with runs.connected() as client:
        client.raw.delete_model_version(NAME, "2")
    night = _night()
    ingest(NAME, night)
    _trained("third")
    _refused(night, "third", "score", "drift", "performance", "evaluate")
    for words in (("calibrate", NAME), ("prune", NAME)):
        code, _, err = ratchet(*words)
        assert code != 0
        assert f"v2 of {NAME} is not in MLflow" in err
    for words in (("champion", NAME), ("history", NAME)):
        assert ratchet(*words)[0] == 0
    told = f"v2 of {NAME} is not in MLflow"
    code, out, _ = ratchet("doctor")
    assert re.search(rf"the champion, 2, is lost: {told}.*\n.*ratchet recover {NAME}", out)
    code, out, _ = ratchet("recover", NAME)
    assert code == 2
    assert f"Lost: the champion, 2: v2 of {NAME} is not in MLflow" in out
    assert f"ratchet recover {NAME} --let-go REASON" in out
    code, out, _ = ratchet("recover", NAME, "--let-go", "somebody tidied up")
    assert (code, out.splitlines()[-3:]) == (
        0,
        ["v2 was let go", "v1 is the champion again, in place of v2", "Models are held to v1"],
    )
    assert _state() == ("1", None, "1")
    assert _monitored(night).version == "1"
    assert train(NAME, "third").version == "3"
    assert _state() == ("3", "1", "1")


def test_a_rival_that_is_lost_keeps_the_champion_from_nothing_and_the_anchor_goes_back(
    life: Path, ratchet: Ratchet
) -> None:
    with runs.connected() as client:
        client.raw.delete_model_version(NAME, "1")
    night = _night()
    ingest(NAME, night)
    scored = step("score", NAME, partition=night)
    assert (scored.version, scored.new > 0) == ("3", True)
    assert f"in shadow: v1 of {NAME} is not in MLflow" in scored.reason
    _trained("fourth")
    _refused(night, "fourth", "performance", "evaluate")
    code, _, err = ratchet("rollback", NAME, "--reason", "a test")
    assert code != 0
    assert f"ratchet recover {NAME}" in err
    code, out, _ = ratchet("recover", NAME, "--let-go", "somebody tidied up")
    assert (code, out.splitlines()[-2:]) == (0, ["v1 was let go", "Models are held to the baseline"])
    assert _state() == ("3", None, "baseline")
    _monitored(night)
    assert train(NAME, "fourth").version == "4"


def test_a_challenger_whose_model_is_lost_waits_no_longer(life: Path, ratchet: Ratchet) -> None:
    _contract(life, WIDE, "margin: 2\n  bound: 40")
    train(NAME, "fifth")
    (waiting,) = shadows.challengers(ledger.read(catalog.load(NAME)))
    with runs.connected() as client:
        client.delete(waiting.mlflow_run)
    _live()  # a copy of it is on this machine, and what people would read in MLflow decides nothing
    shutil.rmtree(Settings.current().models / "runs")
    assert "in shadow: " in _live().reason  # tonight's labels come tomorrow
    night = _night()
    ingest(NAME, night)
    step("score", NAME, partition=night)
    _refused(night, "", "performance")
    code, out, _ = ratchet("recover", NAME, "--let-go", "somebody tidied up")
    assert code == 0
    assert f"Brought back from MLflow's bin: the run {waiting.mlflow_run}" in out
    assert "fifth waits no longer" in out
    assert shadows.challengers(ledger.read(catalog.load(NAME))) == []
    _monitored(night)
    _contract(life, "margin: 2\n  bound: 40", WIDE)


def test_an_experiment_in_the_bin_is_brought_back(life: Path, ratchet: Ratchet) -> None:
    with runs.connected() as client:
        client.raw.delete_experiment(client.raw.get_experiment_by_name(NAME).experiment_id)
    _live()
    step("snapshot", NAME, run="sixth")
    with pytest.raises(TrackingError, match=f"The experiment {NAME} is in the bin .* ratchet recover {NAME}"):
        step("train", NAME, run="sixth", reason="a test")
    code, out, _ = ratchet("recover", NAME)
    assert code == 0
    assert f"Brought back from MLflow's bin: the experiment {NAME}" in out
    assert train(NAME, "sixth").version == "5"
    _live()


def test_artifacts_that_were_moved_are_no_dead_end(life: Path, ratchet: Ratchet, server: MlflowServer) -> None:
    (server.folder / "artifacts").rename(server.folder / "elsewhere")
    night = _night()
    ingest(NAME, night)
    assert step("score", NAME, partition=night).version == "5"  # copies of the models are on this machine
    with pytest.raises(DataError, match=f"has no file .* ratchet recover {NAME}"):
        step("drift", NAME, partition=night)
    code, out, _ = ratchet("recover", NAME)
    assert code == 0
    assert "Made anew from the champion's training data: " in out
    _monitored(night)
    shutil.rmtree(Settings.current().models)
    night = _night()
    ingest(NAME, night)
    _refused(night, "", "score", "drift")
    code, out, _ = ratchet("recover", NAME)
    assert code == 2
    assert f"Lost: the champion, 5: models:/{NAME}/5 cannot be read from MLflow" in out
    _start_over(ratchet, night, "seventh", "6")


def test_a_registered_model_that_is_deleted_is_no_dead_end_and_no_number_names_two_models(
    life: Path, ratchet: Ratchet
) -> None:
    with runs.connected() as client:
        client.raw.delete_registered_model(NAME)
    night = _night()
    ingest(NAME, night)
    _refused(night, "", "score", "drift", "performance")
    _start_over(ratchet, night, "eighth", "7")


def test_an_experiment_that_is_gone_for_good_is_no_dead_end(life: Path, ratchet: Ratchet, server: MlflowServer) -> None:
    with runs.connected() as client:
        client.raw.delete_experiment(client.raw.get_experiment_by_name(NAME).experiment_id)
    store = ["--backend-store-uri", f"sqlite:///{server.folder / 'mlflow.db'}"]
    gone = [sys.executable, "-m", "mlflow", "gc", *store, "--artifacts-destination", str(server.folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server.url}
    subprocess.run(gone, env=environment, check=True, capture_output=True)
    night = _night()
    ingest(NAME, night)
    assert step("score", NAME, partition=night).version == "7"  # a copy of the model is on this machine
    with pytest.raises(DataError, match=f"has no file .* ratchet recover {NAME}"):
        step("drift", NAME, partition=night)
    code, out, _ = ratchet("recover", NAME)
    assert code == 2
    assert re.search(r"Lost: the champion, 7: the MLflow run \w+ of v7 is gone, and with it ", out)
    _start_over(ratchet, night, "ninth", "8")


def test_an_empty_mlflow_is_no_dead_end(
    life: Path, ratchet: Ratchet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = MlflowServer(tmp_path, free_port())
    other.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", other.url)
    try:
        night = _night()
        ingest(NAME, night)
        _refused(night, "", "score", "drift", "performance")
        _start_over(ratchet, night, "tenth", "9")
    finally:
        other.stop()


def _start_over(ratchet: Ratchet, night: str, key: str, version: str) -> None:
    """Let go a champion before which none is left, live a night without one, and train the next."""
    code, out, _ = ratchet("recover", NAME, "--let-go", "a test")
    assert code == 0
    assert f"{NAME} has no champion. A training brings one: ratchet airflow dags trigger {NAME}.train" in out
    assert _state() == (None, None, "baseline")
    assert f"{NAME} has no champion: lost: a test" in ratchet("champion", NAME)[1]
    assert any("Champion: none since" in line for line in start._by_hand(catalog.load(NAME)))
    for name in ("score", "drift", "performance"):
        assert step(name, NAME, partition=night).outcome == "skipped"
    with pytest.raises(RatchetError, match="has no champion"):
        ledger.rollback(catalog.load(NAME), "a test")
    assert train(NAME, key).version == version
    assert _state() == (version, None, "baseline")
    assert _live().version == version
    assert ratchet("history", NAME, "--verify")[0] == 0
