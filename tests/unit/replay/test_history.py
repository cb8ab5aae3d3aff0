"""What there was to know, and since when."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ratchet import catalog
from ratchet.replay import history
from tests.conftest import ingest, rename


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
