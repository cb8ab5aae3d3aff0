"""A loop with a champion and two scored nights, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import MlflowServer, ingest, lay, rename, step, train

NIGHT = "2013-01-16"


@pytest.fixture(scope="session")
def champion_made(
    tmp_path_factory: pytest.TempPathFactory, loops_folder: tuple[Path, Path], mlflow_server: MlflowServer
) -> Path:
    """The regression `wind_watched` with a champion and the nights up to the 16th, made once for all tests."""
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
def watched(champion_made: Path, tmp_path: Path, mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change; the champion itself is the same."""
    place = tmp_path / "copy"
    shutil.copytree(champion_made, place, symlinks=True)
    for name, value in {"VAR": "var", "LOOPS": "loops", "SUITES": "suites"}.items():
        monkeypatch.setenv(f"RATCHET_{name}", str(place / value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    return place


def turn(day: str) -> None:
    """Let a night begin, by the contract of now."""
    assert step("turn", "wind_watched", partitions=day, run="night").opened == (day,)


def replace(place: Path, old: str, new: str) -> None:
    path = place / "loops" / "wind_watched" / "loop.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
