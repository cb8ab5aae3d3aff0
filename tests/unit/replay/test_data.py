"""Feature rows as they stood at a revision: a file a day, mapped by versions and processes."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.data import tables
from ratchet.lifecycle import dataset, feature_days
from ratchet.replay import data, history
from ratchet.replay.data import DataVersion
from tests.conftest import ingest
from tests.given import rows
from tests.given.deliveries import DAY, deliver, rows_of_day


def test_a_process_is_given_files_and_no_rows(place: Path) -> None:
    """Each worker was sent the whole table."""
    version = history.of_rows(catalog.load("wind"), rows.wind("2013-01-02..2013-01-21"), place / "cache").now
    sent = len(pickle.dumps(version))
    assert version.between("", "9999").nbytes > 20 * 500
    assert version.digests
    assert version.keys("2013-01-02")
    assert len(pickle.dumps(version)) == sent
    other = pickle.loads(pickle.dumps(version))
    assert (other.days, other.digests) == (version.days, version.digests)
    assert other.between("2013-01-05", "2013-01-09").equals(version.between("2013-01-05", "2013-01-09"))


def test_a_version_more_writes_the_days_that_it_changed(place: Path) -> None:
    """Each correction wrote a table of the whole past."""
    ingest("wind", "2013-01-02..2013-01-08")
    deliver(place, rows_of_day())
    ingest("wind", DAY, "again")
    loop = catalog.load("wind")
    past = history.read(loop, place / "cache")
    (_, before), (_, after) = past.versions
    assert len([*(place / "cache" / "days").iterdir()]) == 7 + 2
    changed = {day for day in before.files if before.files[day] != after.files[day]}
    assert changed == {DAY, "2013-01-06"}, "the day, and the one that looks back at it"
    registry = dataset.registry()
    for version, revision in ((before, "HEAD~1"), (after, "HEAD")):
        at = registry.resolve(revision)
        whole = feature_days.of_range(registry, loop, at, "2013-01-02", "2013-01-08")
        assert tables.ordered_hash(version.between("", "9999")) == tables.ordered_hash(whole)


@pytest.mark.parametrize("classes", [(), ("a", "c")])
def test_targets_are_numbers_by_a_models_classes(place: Path, classes: tuple[str, ...]) -> None:
    loop = catalog.load("wind")
    values: list[object] = ["a", "b", None, "c"] if classes else [1.5, None, 0.0, 2.0]
    files = {}
    for number, value in enumerate(values):
        day = f"2013-01-0{number + 1}"
        kind = pa.string() if classes else pa.float64()
        files[day] = data.write(day, pa.table({"wind": pa.array([value], kind)}), place / "days")
    none = data.write("2013-01-05", pa.table({"wind": pa.array([], kind)}), place / "days")
    version = DataVersion(loop, {**files, "2013-01-05": none})
    assert version.days == [*files], "a day without rows is none"
    expected = [0.0, -1.0, np.nan, 1.0] if classes else [1.5, np.nan, 0.0, 2.0]
    np.testing.assert_equal(version.targets("", "9999", classes), expected)
    np.testing.assert_equal(version.targets("2013-01-02", "2013-01-03", classes), expected[1:3])
    assert len(version.targets("2014", "2015", classes)) == 0
    assert version.bounds("2013-01-02", "2013-01-03") == (1, 3)
    assert version.between("2014", "2015").num_rows == 0


def test_targets_are_given_a_day_at_a_time_as_they_are(place: Path) -> None:
    table = rows.wind("2013-01-02..2013-01-05")
    version = history.of_rows(catalog.load("wind"), table, place / "cache").now
    told = [*version.labels("2013-01-03", "2013-01-04")]
    assert [day for day, _ in told] == ["2013-01-03", "2013-01-04"]
    assert [value for _, column in told for value in column.to_pylist()] == table["wind"].to_pylist()[24:72]
