"""`ratchet upgrade`, where there is nothing to do. What it does to 0.1's state stands in lifecycle/."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import cli
from ratchet.lifecycle import dataset


def test_without_an_older_state_there_is_nothing_to_do(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in ("no state at all", "a state of today"):
        cli.main(["upgrade"])
        assert "nothing to bring forward" in capsys.readouterr().out
        dataset.registry()
