"""`ratchet data`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import cli
from ratchet.data import tables
from ratchet.lifecycle import dataset
from tests.conftest import ingest


def test_log_diff_and_checkout(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest("wind", "2013-01-02")
    first = dataset.registry().head()
    ingest("wind", "2013-01-03")

    def said(*arguments: str) -> str:
        cli.ratchet.main(list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    assert "Publish wind 2013-01-03" in said("data", "log", "wind").splitlines()[0]
    assert said("data", "diff", first).split() == [
        "added",
        "wind/data/weather/2013-01-03.parquet",
        "-",
        "->",
        "72",
        "rows",
    ]
    assert "No partition differs" in said("data", "diff", "HEAD")
    assert "wrote 1 partitions" in said("data", "checkout", "wind", str(place / "out"), "--revision", first)
    assert tables.read_table(place / "out" / "weather" / "2013-01-02.parquet").num_rows == 72
