"""`ratchet recover`; what it leads out of is lived in tests/integration/test_lost.py."""

from __future__ import annotations

from pathlib import Path

from ratchet import cli
from ratchet.adapters import models, runs
from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.unit.cli.conftest import Ratchet

NAME = "wind_watched"


def test_where_nothing_is_missing_nothing_is_written(watched: Path, ratchet: Ratchet) -> None:
    head = dataset.registry().head()
    for words in ((), ("--let-go", "a test")):
        code, out, _ = ratchet("recover", NAME, *words)
        assert code == 0
        assert out == f"Nothing that {NAME} needs is missing in MLflow at {Settings.current().tracking_uri}\n"
    assert dataset.registry().head() == head
    with runs.connected() as client:
        assert models.champion(client, NAME) is not None


def test_without_a_reason_nothing_is_let_go(watched: Path, ratchet: Ratchet) -> None:
    code, _, err = ratchet("recover", NAME, "--let-go")
    assert code == cli.FAILED
    assert "--let-go" in err
