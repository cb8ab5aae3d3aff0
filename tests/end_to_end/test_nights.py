"""A loop's nights through the real scheduler, API server, DAG processor and MLflow server.

One installation serves both files here; the tests of each build on each other in the order in which they stand.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local import client, services, summary
from deploy.local.environment import Local
from deploy.local.story import Story, tell
from ratchet import catalog, partitions
from ratchet.adapters import runs
from ratchet.data import tables
from ratchet.lifecycle import dataset, ledger, predictions
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.run import Case
from ratchet.replay.simulation import Simulation
from ratchet.steps import performance
from tests.end_to_end.conftest import PARTS, check_told, states, wait_for
from tests.given import lives

pytestmark = pytest.mark.xdist_group("end_to_end")
STORY = Story("wind", "2013-01-02..2013-01-14", "2013-01-15..2013-01-19")


def test_the_story_closes_the_loop(local: Local, airflow: client.Airflow, console: Console) -> None:
    tell(STORY, airflow, console)
    summary.show(STORY, local, console)
    check_told(STORY, airflow, console)


def test_a_story_that_was_told_changes_nothing(local: Local, airflow: client.Airflow, console: Console) -> None:
    before = (dataset.registry().head(), {part: states(airflow, f"wind.{part}") for part in PARTS})
    tell(STORY, airflow, console)
    assert (dataset.registry().head(), {part: states(airflow, f"wind.{part}") for part in PARTS}) == before


def test_production_and_replay_agree(local: Local, tmp_path: Path) -> None:
    """The week that Airflow's own DAGs went through, and the same week replayed.

    The same decisions on the same nights.
    """
    loop, registry = catalog.load("wind"), dataset.registry()
    entries, nights = ledger.read(loop), partitions.parse(STORY.nights)
    past = history.read(loop, tmp_path)
    simulation = Simulation(past, Fits(loop, tmp_path), nights[0])
    for night in nights:
        simulation.night(night)
    assert lives.comparable(entries) == lives.comparable(simulation.ledger)
    (outcome,) = replays.run(past, [Case()], nights[0], nights[-1], tmp_path, lambda *_: None)
    asked = {entry.partition: entry for entry in entries if entry.kind in ("requested", "vetoed")}
    assert len(asked) >= 2
    for night, replayed in zip(nights, outcome.nights, strict=True):
        told = tables.read_table(predictions.live(loop, night))
        assert set(told.column("model_version").to_pylist()) == {replayed["version"]}, (night, entries)
        entry = asked.get(night)
        assert replayed["decided"] == ({"requested": "retrain", "vetoed": "veto"}[entry.kind] if entry else "wait")
        if entry:
            assert replayed["reason"] == entry.reason
            became = next(e.kind for e in entries if getattr(e, "run", "") == entry.evidence)
            assert replayed["gate"] == {"won": "promote", "rejected": "reject", "waiting": "wait"}[became]
        measured = performance.history(loop, replayed["version"], nights[-1])
        assert night not in measured or abs(measured[night] - replayed["loss"]) < 1e-3
    assert sum(entry.kind == "rolled_back" for entry in entries) == outcome.rollbacks
    assert sum(entry.kind == "promoted" for entry in entries) - 1 == outcome.promotions
    assert registry.partitions("wind", "weather", "HEAD")[-1] == nights[-1]


def test_killed_services_carry_on(local: Local, airflow: client.Airflow, console: Console) -> None:
    """Kill the scheduler, its tasks and the fork server in the middle of a night; start them again.

    The night ends as any other.
    """
    airflow.trigger("wind.ingest", "night__2013-01-20", partition="2013-01-20")
    wait_for(lambda: any(task["state"] == "running" for task in airflow.tasks("wind.ingest", "night__2013-01-20")))
    for name in ("scheduler", "fork-server"):
        process = services._process(local, name)
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert "scheduler" not in services.running(local)
    services.up(local, print)
    tell(Story("wind", STORY.history, "2013-01-20..2013-01-20"), airflow, console)
    registry = dataset.registry()
    assert registry.partitions("wind", "weather", "HEAD")[-1] == "2013-01-20"
    titles = registry.git("log", "--format=%s", "--", "wind").splitlines()
    assert titles.count("Publish wind 2013-01-20") == 1
    with runs.connected() as mlflow:
        assert [v.version for v in mlflow.raw.search_model_versions("name = 'wind'")] != []
        experiment = mlflow.raw.get_experiment_by_name("wind")
        assert experiment is not None
        trained = mlflow.raw.search_runs([experiment.experiment_id])
    assert len(trained) == len(states(airflow, "wind.train"))


def test_who_starts_the_services_waits_for_who_starts_or_stops_them(local: Local) -> None:
    with ThreadPoolExecutor(1) as pool:
        with services._alone(local):
            begun = pool.submit(services.up, local, print)
            with pytest.raises(TimeoutError):
                begun.result(timeout=1)
        begun.result(timeout=60)
    assert {"scheduler", "mlflow", "fork-server"} <= {*services.running(local)}


def test_two_nights_at_once_are_both_published(local: Local, airflow: client.Airflow) -> None:
    for day in ("2013-01-21", "2013-01-22"):
        airflow.trigger("wind.ingest", f"night__{day}", partition=day)
    wait_for(
        lambda: all(
            airflow.run("wind.ingest", f"night__{day}")["state"] == "success" for day in ("2013-01-21", "2013-01-22")
        )
    )
    assert dataset.registry().partitions("wind", "weather", "HEAD")[-2:] == ["2013-01-21", "2013-01-22"]


def test_a_refused_delivery_is_told_in_the_runs_note_and_the_story_goes_on(
    local: Local, airflow: client.Airflow, console: Console
) -> None:
    path = local.settings.loops / "wind" / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace("SELECT * FROM", "SELECT * EXCLUDE (humid) FROM"))
    try:
        tell(Story("wind", STORY.history, "2013-01-23..2013-01-23"), airflow, console)
    finally:
        path.write_text(text)
    run = airflow.run("wind.ingest", "night__2013-01-23")
    assert run["state"] == "failed"
    assert "dropped column humid" in run["note"]
    assert "dropped column humid" in console.export_text()
    states = {task["task_id"]: task["state"] for task in airflow.tasks("wind.ingest", "night__2013-01-23")}
    assert states["validate"] == "success"
    assert states["publish"] == states["give_up"] == "failed"


def test_a_day_by_hand_is_scored(local: Local, airflow: client.Airflow) -> None:
    """And it does not wait for the night before, which was refused: that is a fact, and no gap."""
    airflow.trigger("wind.ingest", "correction", conf={"partitions": "2013-01-24"})
    wait_for(
        lambda: any(
            run["partition_key"] == "2013-01-24" and run["state"] == "success"
            for run in airflow.runs("wind.monitor", partition="2013-01-24")
        )
    )
