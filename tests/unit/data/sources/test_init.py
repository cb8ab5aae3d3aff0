"""What every source holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import cast

import pytest
from pydantic import BaseModel

from ratchet import catalog, extensions
from ratchet.contract.loop import Loop
from ratchet.data import sources


@pytest.mark.parametrize("name", ["flight_delays", "wind"])
def test_a_source_delivers_the_tables_of_its_loop_and_a_day_of_no_rows(name: str, place: Path) -> None:
    loop = catalog.load(name)
    source = cast("sources.SourceModule", extensions.find("sources", loop.source.kind, loop.folder))
    options = source.Options.model_validate(loop.source.options)
    assert isinstance(options, BaseModel)
    found = source.fetch(options, _asked(loop, dt.date(2013, 1, 5)))
    assert set(found) >= set(loop.tables)
    for table, spec in loop.tables.items():
        assert set(found[table].column_names) >= set(spec.columns)
        assert found[table].num_rows
    if name == "wind":
        assert source.fetch(options, _asked(loop, dt.date(1999, 1, 1)))["weather"].num_rows == 0


def _asked(loop: Loop, day: dt.date) -> sources.Asked:
    return sources.Asked(day, day, loop.folder, loop.tables)


def test_what_is_asked_for_is_whole_days() -> None:
    asked = sources.Asked(dt.date(2024, 2, 28), dt.date(2024, 3, 1), Path())
    assert [day.isoformat() for day in asked.days] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert (asked.start, asked.end) == (dt.datetime(2024, 2, 28), dt.datetime(2024, 3, 2))
