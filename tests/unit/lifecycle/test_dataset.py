"""A loop's dataset as of a revision."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.data.features import PARTITION
from ratchet.errors import DataError
from ratchet.lifecycle import dataset
from tests.conftest import ingest


def test_a_revision_shows_what_was_published_then(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    empty = registry.head()
    ingest("wind", "2013-01-02..2013-01-04")
    before = registry.head()
    ingest("wind", "2013-01-05")
    assert dataset.published(registry, loop, empty) == []
    assert dataset.published(registry, loop, before) == ["2013-01-02", "2013-01-03", "2013-01-04"]
    assert dataset.published(registry, loop, "HEAD", "2013-01-04", "2013-01-09") == ["2013-01-04", "2013-01-05"]
    assert dataset.counts(registry, loop, before) == dict.fromkeys(("2013-01-02", "2013-01-03", "2013-01-04"), 72)
    rows = dataset.features(registry, loop, before, "2013-01-03", "2013-01-09")
    assert set(rows.column(PARTITION).to_pylist()) == {"2013-01-03", "2013-01-04"}
    first = rows.slice(0, 1).to_pylist()[0]
    assert first["wind_now"] is not None  # of the evening before: the lookback is read, too
    with pytest.raises(DataError, match="No partition of wind between"):
        dataset.features(registry, loop, before, "2013-01-05", "2013-01-09")
