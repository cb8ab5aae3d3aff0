"""A loop with 24 days of data, to be lived through again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ratchet import catalog
from ratchet.replay import history
from ratchet.replay import run as replays
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.run import Case
from ratchet.replay.simulation import Simulation
from tests.conftest import ingest, lay, rename
from tests.given.contracts import gated

NAME = "wind_replayed"


FIRST, LAST = "2013-01-14", "2013-01-24"


CASES = [Case("never"), Case("calendar:days=1,cooldown_days=0"), Case("calendar:days=4")]


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path]) -> Path:
    """A loop with 24 days of data, made once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("replayed")
        lay(folder / "var", loops_folder, folder, patch.setenv)
        rename(folder, "wind", NAME)
        path = folder / "loops" / NAME / "loop.yaml"
        gate = ("deploy: refit", "refit_distance: 10", "aim: non_inferior", "margin: 2", "bound: 9")
        path.write_text(gated(path.read_text(), *gate))
        ingest(NAME, f"2013-01-02..{LAST}")
    return folder


@pytest.fixture
def past(replayed: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """The loop's history; what replays it has one core, for the tests have the others."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    for name, part in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(replayed / part))
    return history.read(catalog.load(NAME), replayed / "cache")


def quiet(*_: Any) -> None:
    pass


def limited(past: History, folder: Path, **gate: Any) -> Simulation:
    """Let a first champion live, and from then on by a gate that promotes easily, with these keys changed."""
    case = Case("calendar:days=4", "level=0.4,margin=20,bound=90")
    lived = Simulation(replays._changed(past, case), Fits(past.loop, folder), FIRST)
    assert lived.champion is not None
    lived.loop = lived.loop.model_copy(update={"gate": lived.loop.gate.model_copy(update=gate)})
    return lived
