"""What was told stays as it was told, and is measured on what is known now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.replay import history
from ratchet.replay.fits import Fits, Fitted
from ratchet.replay.history import DataVersion
from ratchet.replay.told import Told
from tests.given import rows

DAY = "2013-01-10"
ROWS = 24  # of the day


@pytest.fixture
def told(place: Path) -> tuple[Path, pa.Table, DataVersion, Fitted, Fitted, Fits]:
    """Two fits, and the rows of some days as they were known at first."""
    loop, table = catalog.load("wind"), rows.wind(f"2013-01-02..{DAY}")
    data = history.of_rows(loop, table, place / "first").now
    fits = Fits(loop, place / "cache")
    return place, table, data, *(fits.get(data, "2013-01-02", until) for until in ("2013-01-07", "2013-01-08")), fits


def _corrected(place: Path, table: pa.Table, **changes: pa.Array) -> DataVersion:
    """Return the rows with columns of the day changed."""
    before, day = table.slice(0, table.num_rows - ROWS), table.slice(table.num_rows - ROWS)
    for name, values in changes.items():
        day = day.set_column(day.column_names.index(name), name, values)
    return history.of_rows(catalog.load("wind"), pa.concat_tables([before, day]), place / "corrected").now


def test_nothing_changed_means_the_losses_of_the_fit(told: tuple) -> None:
    _, _, data, fit, other, fits = told
    said, rival = Told(DAY, "1", fit, data), Told(DAY, "2", other, data)
    assert np.array_equal(said.losses(data, "1"), fit.losses(data, DAY))
    assert len(said.losses(data, "2")) == 0
    assert rival.against(said, data, fits) == fits.compare(data, DAY, other, fit)
    assert np.array_equal(said.predictions("1"), fit.predict(data, DAY))
    assert said.predictions("2") is None


def test_corrected_labels_are_compared_with_what_was_told(told: tuple) -> None:
    place, table, data, fit, other, fits = told
    said = Told(DAY, "1", fit, data)
    day = table.slice(table.num_rows - ROWS)
    labels = pa.array(np.asarray(day.column("wind")) + 5.0)
    now = _corrected(place, table, wind=labels)
    expected = (np.asarray(labels) - fit.predict(data, DAY)) ** 2
    assert said.losses(now, "1") == pytest.approx(expected)
    (cluster,) = Told(DAY, "2", other, data).against(said, now, fits)
    assert cluster.total == pytest.approx(((np.asarray(labels) - other.predict(data, DAY)) ** 2 - expected).sum())


def test_corrected_features_change_no_prediction_that_was_made(told: tuple) -> None:
    place, table, data, fit, _, _ = told
    said = Told(DAY, "1", fit, data)
    now = _corrected(place, table, wind_now=pa.array(np.full(ROWS, 1.0)))
    assert said.losses(now, "1") == pytest.approx(fit.losses(data, DAY))
    assert fit.losses(now, DAY) != pytest.approx(fit.losses(data, DAY))


def test_a_row_that_came_later_is_told_by_who_stands_then_and_one_that_went_counts_no_more(told: tuple) -> None:
    place, table, data, fit, other, _ = told
    said = Told(DAY, "1", fit, data)
    origins = table.slice(table.num_rows - ROWS).column("origin").to_pylist()
    now = _corrected(place, table, origin=pa.array(["XXX" if i == 0 else name for i, name in enumerate(origins)]))
    said.extend("2", other, now)
    assert (len(said.losses(now, "1")), len(said.losses(now, "2"))) == (ROWS - 1, 1)
    assert said.by({"2"})
    assert len(said.predictions("2")) == 1
    said.extend("3", fit, now)  # nothing has come since
    assert not said.by({"3"})


def test_rows_without_a_label_have_a_prediction_and_no_loss(told: tuple) -> None:
    place, table, data, fit, _, _ = told
    day = table.slice(table.num_rows - ROWS)
    labels = pa.array(
        [None if i < 4 else value for i, value in enumerate(day.column("wind").to_pylist())], pa.float64()
    )
    said = Told(DAY, "1", fit, data)
    assert len(said.losses(_corrected(place, table, wind=labels), "1")) == ROWS - 4
    assert len(said.predictions("1")) == ROWS


def test_what_a_fit_says_of_a_day_that_it_has_seen_counts_nowhere(told: tuple) -> None:
    _, _, data, fit, other, fits = told
    day = "2013-01-08"  # the last of the second fit's
    seen, fair = Told(day, "2", other, data), Told(day, "1", fit, data)
    assert not seen.by({"2"})
    assert len(seen.losses(data, "2")) == 0
    assert seen.predictions("2") is None
    assert fair.against(seen, data, fits) == []
    assert fair.by({"1"})
    assert np.array_equal(fair.losses(data, "1"), fit.losses(data, day))


def test_what_a_baseline_has_said_stays_and_a_row_that_came_later_gets_the_same(told: tuple) -> None:
    place, table, data, fit, _, fits = told
    said, shadow = Told(DAY, "1", fit, data), Told(DAY, fit.plain.name, fit.plain, data)
    assert shadow.against(said, data, fits) == fits.compare(data, DAY, fit.plain, fit)
    origins = table.slice(table.num_rows - ROWS).column("origin").to_pylist()
    now = _corrected(place, table, origin=pa.array(["XXX" if i == 0 else name for i, name in enumerate(origins)]))
    shadow.extend(fit.plain.name, fit.plain, now)
    target = np.asarray(now.between(DAY, DAY).column("wind"))
    found = shadow.losses(now, fit.plain.name)
    assert sorted(found) == pytest.approx(sorted((target - fit.baseline.values[0]) ** 2))
    (cluster,) = shadow.against(said, now, fits)
    assert cluster.rows == ROWS - 1


def test_of_those_who_told_of_a_day_the_words_of_one_are_compared(told: tuple) -> None:
    """A row that came later was told by another: each is compared by its own rows alone."""
    place, table, data, fit, other, fits = told
    said, shadow = Told(DAY, "1", fit, data), Told(DAY, fit.plain.name, fit.plain, data)
    origins = table.slice(table.num_rows - ROWS).column("origin").to_pylist()
    now = _corrected(place, table, origin=pa.array(["XXX" if i == 0 else name for i, name in enumerate(origins)]))
    said.extend("2", other, now)
    shadow.extend(fit.plain.name, fit.plain, now)
    parts = {}
    for own in ("1", "2"):
        (parts[own],) = said.against(shadow, now, fits, {fit.plain.name}, {own})
    assert [parts[own].rows for own in ("1", "2")] == [ROWS - 1, 1]
    (whole,) = said.against(shadow, now, fits)
    assert whole.total == pytest.approx(parts["1"].total + parts["2"].total)
    assert said.against(shadow, now, fits, {"nobody"}) == []
