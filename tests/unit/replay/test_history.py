"""What there was to know, and since when."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ratchet import catalog
from ratchet.replay import history
from tests.conftest import ingest, rename
from tests.given import rows


def test_a_correction_is_unknown_before_it_came(place: Path) -> None:
    """A corrected day is seen as it was first published on the nights before its correction, and corrected after."""
    from ratchet.files import write_text

    name = rename(place, "wind", "wind_corrected")
    ingest(name, "2013-01-02..2013-01-08")
    path = place / "loops" / name / "loop.yaml"
    text = path.read_text()
    write_text(path, text.replace("SELECT * FROM", "SELECT * REPLACE (wind_speed + 7 AS wind_speed) FROM"))
    ingest(name, "2013-01-05", "correction")
    write_text(path, text)
    ingest(name, "2013-01-09..2013-01-10")
    past = history.read(catalog.load(name), place / "cache")
    assert [first for first, _ in past.versions] == ["", "2013-01-09"]

    def wind(night: str) -> float:
        return float(
            np.mean(past.at(night).between("2013-01-05", "2013-01-05").column("wind_now").drop_null().to_numpy())
        )

    assert 6 < wind("2013-01-09") - wind("2013-01-08") < 7  # its first three hours look back into the day before
    assert past.now.days == past.nights


def test_days_are_slices_of_one_table_and_their_hashes_are_of_their_rows(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-05")
    past = history.of_rows(loop, table, place / "cache")
    data = past.now
    assert past.nights == data.days == [f"2013-01-0{day}" for day in (2, 3, 4, 5)]
    assert past.counts("2013-01-05") == dict.fromkeys(data.days, 24)
    assert data.between("2013-01-03", "2013-01-04").equals(table.slice(24, 48))
    assert data.between("2013-01-06", "2013-01-09").num_rows == 0
    assert past.at("2012-01-01") is past.at("2014-01-01") is data
    other = history.of_rows(loop, table.slice(0, 72), place / "other").now
    assert other.content("2013-01-02", "2013-01-04") == data.content("2013-01-02", "2013-01-04")
    assert other.content("", "9999") != data.content("", "9999")
    assert len(set(data.digests.values())) == 4
