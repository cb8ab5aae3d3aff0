"""What MLflow has lost, and how a loop goes on; tests/integration/test_lost.py lives through each loss."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.adapters import models
from ratchet.lifecycle import ledger, recovery
from ratchet.settings import Settings
from tests.given.entries import entry

NAME = "wind_watched"


def test_what_was_done_is_said_a_line_each() -> None:
    done = [
        entry("left", "second"),
        entry("lost", version="3"),
        entry("rolled_back", version="2", left="3"),
    ]
    assert [*recovery.told(done)] == [
        "second waits no longer",
        "v3 was let go",
        "v2 is the champion again, in place of v3",
    ]


def test_a_champion_that_cannot_be_read_is_missing_and_nothing_is_let_go_by_looking(
    watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = catalog.load(NAME)
    before = ledger.read(loop)
    assert recovery.missing(loop) == []
    shutil.rmtree(Settings.current().models)

    def gone(uri: str, folder: Path) -> Path:
        raise OSError(f"No such artifact: {uri}")

    monkeypatch.setattr(models, "_download", gone)
    (lost,) = recovery.missing(loop)
    assert (lost.name, lost.role) == ("1", "the champion")
    assert lost.why == f"models:/{NAME}/1 cannot be read from MLflow: No such artifact: models:/{NAME}/1"
    assert ledger.read(loop) == before


def test_an_mlflow_that_went_away_has_lost_nothing(watched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(Settings.current().models)

    def away(uri: str, folder: Path) -> Path:
        raise ConnectionError("Connection refused")

    monkeypatch.setattr(models, "_download", away)
    with pytest.raises(ConnectionError):
        recovery.missing(catalog.load(NAME))
