"""`ratchet calibrate`."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from ratchet.cli import ratchet


def test_calibration_says_what_it_does(watched: Path) -> None:
    said = CliRunner().invoke(ratchet, ["calibrate", "wind_watched", "--years", "5"])
    assert said.exit_code == 0, said.output
    assert "wind_now" in said.output
    assert "calibrated: " in said.output
    assert "evidently, any column: " in said.output
