"""What changes between two nights: the clock, the name of a loop."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset, ledger
from tests.conftest import ingest, step
from tests.given import whole


def test_a_clock_that_jumps_a_day_back_and_forth(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights and entries stand in the order in which they came, and history is told in it."""
    now, today = time.time, dt.datetime
    days = whole.days("2013-01-05", 4)
    for day, jump in zip(days, (0, -86400, 86400, -3 * 86400), strict=True):
        shifted = SimpleNamespace(
            now=lambda zone, jump=jump: today.now(zone) + dt.timedelta(seconds=jump), fromisoformat=today.fromisoformat
        )
        monkeypatch.setattr(time, "time", lambda jump=jump: now() + jump)
        monkeypatch.setattr(ledger, "dt", SimpleNamespace(datetime=shifted, UTC=dt.UTC))
        step("turn", "wind", partitions=day, run=f"night__{day}")
        ingest("wind", day)
        ledger.say(catalog.load("wind"), ledger.Paused, day)
    whole.check("wind")
    registry = dataset.registry()
    assert [each.reason for each in registry.ledger("wind")] == days
    published = [line for line in registry.git("log", "--format=%s", "main").splitlines() if line.startswith("Publish")]
    assert published == [f"Publish wind {day}" for day in reversed(days)]


def test_a_loop_that_is_renamed_between_two_nights_is_another_and_comes_back(place: Path) -> None:
    """Nothing of the old one is lost, or taken for the new one's."""
    loops = place / "loops"
    step("turn", "wind", partitions="2013-01-05", run="night")
    ingest("wind", "2013-01-05")
    ledger.say(catalog.load("wind"), ledger.Paused, "before")
    (loops / "wind").rename(loops / "breeze")
    contract = loops / "breeze" / "loop.yaml"
    contract.write_text(contract.read_text().replace("name: wind\n", "name: breeze\n"))
    step("turn", "breeze", partitions="2013-01-06", run="night")
    assert "there is no champion yet" in ingest("breeze", "2013-01-06").reason
    assert ledger.read(catalog.load("breeze")) == []
    contract.write_text(contract.read_text().replace("name: breeze\n", "name: wind\n"))
    (loops / "breeze").rename(loops / "wind")
    step("turn", "wind", partitions="2013-01-06", run="night")
    ingest("wind", "2013-01-06")
    assert [each.reason for each in ledger.read(catalog.load("wind"))] == ["before"]
    registry = dataset.registry()
    assert registry.partitions("wind", "weather", "HEAD") == ["2013-01-05", "2013-01-06"]
    assert registry.partitions("breeze", "weather", "HEAD") == ["2013-01-06"]
    for name in ("wind",):
        whole.check(name)
