"""A champion and a challenger that waits, made once, and what turns their duel one way or the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.adapters import models, runs
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.lifecycle import contracts, evidence, ledger
from ratchet.partitions import shift
from ratchet.settings import Settings
from tests.conftest import MlflowServer, ingest, lay, rename, step, train
from tests.given.contracts import gated

NAME, NIGHT = "wind_duel", "2013-01-20"


@pytest.fixture(scope="session")
def dueling(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], mlflow_server: MlflowServer
) -> tuple[Path, str, str]:
    """A champion (evaluated and refit), and a challenger that waits; made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("duel")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        rename(folder, "wind", NAME)
        write_gate(
            folder,
            "aim: non_inferior",
            "margin: 2",
            "bound: 40",
            "deploy: refit",
            "behaviour: behaviour.yaml",
            "size_mb: 50",
            "refit_distance: 10",
            "latency_ms: 1000",
            "slices: {columns: [origin], rows: 20, margin: 30}",
        )
        (folder / "loops" / NAME / "behaviour.yaml").write_text(
            "- {name: more wind now is more wind later, row: {origin: JFK, wind_now: 5},"
            " change: {wind_now: 25}, expect: higher}\n"
        )
        ingest(NAME, f"2013-01-02..{NIGHT}")
        first = train(NAME, "first", until="2013-01-12")
        assert first.version == "2", first.reason
        step("snapshot", NAME, run="second", until="2013-01-17")
        second = step("train", NAME, run="second").mlflow_run
        step("evaluate", NAME, run="second", mlflow_run=second)
        verdict = step("gate", NAME, run="second", mlflow_run=second)
        assert (verdict.verdict, verdict.days) == ("wait", 4)
        with runs.connected() as client:
            champion = models.champion(client, NAME)
        assert champion is not None
    return folder, second, champion.run_id


@pytest.fixture
def second(
    dueling: tuple[Path, str, str], tmp_path: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The waiting challenger's run, in a copy of the installation. What a test does to the shared server is undone."""
    place = tmp_path / "copy"
    shutil.copytree(dueling[0], place, symlinks=True)
    for name, value in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(place / value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    with runs.connected() as client:
        tags = client.tags(dueling[1])
    loop = catalog.load(NAME)
    days = evidence.read(loop, dueling[1])
    yield dueling[1]
    with runs.connected() as client:
        for tag in client.tags(dueling[1]):
            if tag.startswith("ratchet.") and tag not in tags:
                client.raw.delete_tag(dueling[1], tag)
        for tag, value in tags.items():
            if tag.startswith("ratchet."):
                client.set_tag(dueling[1], tag, value)
        evidence.write(loop, client, dueling[1], "2", days)
        client.raw.set_registered_model_alias(NAME, "champion", "2")
        for version in client.raw.search_model_versions(f"name = '{NAME}'"):
            if int(version.version) > 2:
                client.raw.delete_model_version(NAME, version.version)
        found = runs.find_run(client, NAME, f"refit/{dueling[1]}")
        if found is not None:
            client.raw.delete_run(found.run_id)


def write_gate(folder: Path, *lines: str) -> None:
    path = folder / "loops" / NAME / "loop.yaml"
    path.write_text(gated(path.read_text(), *lines))


def renew(run: str) -> None:
    """Let a training live by the contract of now, as if its snapshot had been pinned by it."""
    loop = catalog.load(NAME)
    path = Settings.current().snapshots / NAME / "runs" / f"{run}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "contract": contracts.take(loop)}))


def kinds() -> list[str]:
    """Return what was decided, oldest first; what nights say of champion and anchor is told apart."""
    return [entry.kind for entry in ledger.read(catalog.load(NAME)) if entry.kind not in ("certified", "anchored")]


def live_night(day: str = NIGHT) -> Any:
    for each in (shift(day, -1), day):
        step("score", NAME, partition=each)
    return step("performance", NAME, partition=day)


def win(run: str, difference: float = -30.0, days: int = 15) -> None:
    """Let the evidence be what many more nights would have made it."""
    with runs.connected() as client:
        told = tuple(Cluster(shift("2013-01-13", i), 72, 72 * difference) for i in range(days))
        anchor = evidence.read(catalog.load(NAME), run).anchor
        evidence.write(catalog.load(NAME), client, run, "2", Gathered(told, anchor, told))


def ask(run: str, place: Path) -> Any:
    """Let the challenger win that ada or bob has to approve; return what the night has decided. place: of the loops."""
    write_gate(place, "approval: [ada, bob]")
    renew("second")
    live_night()
    win(run)
    return step("duel", NAME, partition=NIGHT)


def champion_now() -> str | None:
    with runs.connected() as client:
        found = models.champion(client, NAME)
    return found and found.number
