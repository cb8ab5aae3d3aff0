"""`ratchet prune` of one loop and of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import cli


def test_all_loops_are_pruned_where_none_is_named(tracked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["prune", "--dry-run"])
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["flight_classes", "flight_delays", "wind"]
    assert all(line.endswith("would take away nothing") for line in said)
