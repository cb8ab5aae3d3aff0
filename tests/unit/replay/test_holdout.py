"""What was held out of a replay's training: its labelled rows, and what fits that have not seen them say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.data.features import PARTITION
from ratchet.decisions import duel
from ratchet.replay import history
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fits, Fitted
from ratchet.replay.holdout import Holdout, of_refit
from tests.given import rows

DAYS = ["2013-01-10", "2013-01-11", "2013-01-12"]


@pytest.fixture
def fits(place: Path) -> tuple[DataVersion, Fitted, Fitted]:
    """Two fits, of which the second has seen the first of the days; one row of the second day has no label."""
    loop, table = catalog.load("wind"), rows.wind("2013-01-02..2013-01-12")
    column = table.column("wind").to_pylist()
    column[table.column(PARTITION).to_pylist().index(DAYS[1])] = None
    unlabelled = table.set_column(table.column_names.index("wind"), "wind", [column])
    data, made = history.of_rows(loop, unlabelled, place / "cache").now, Fits(loop, place / "cache")
    return data, made.get(data, "2013-01-02", "2013-01-09"), made.get(data, "2013-01-02", DAYS[0])


def test_rows_without_a_label_and_days_that_were_seen_are_left_out(fits: tuple[DataVersion, Fitted, Fitted]) -> None:
    data, first, second = fits
    held = Holdout(data.loop, data, DAYS, first)
    assert held.rows.num_rows == len(held.ours.target) == 3 * 24 - 1
    found = held.compared((second,))
    assert [(day, each["rows"]) for day, each in found["days"].items()] == [*zip(DAYS, (24, 23, 24), strict=True)]
    assert [(each.key, each.rows) for each in duel.load(found["compared"])] == [(DAYS[1], 23), (DAYS[2], 24)]
    assert held.against((second,)) == found["compared"]
    assert held.compared(None)["compared"] is None
    # Where one has seen the day the next stands: here the fit itself.
    assert [each.mean for each in duel.load(held.against((second, first)))][:1] == [0.0]


def test_a_refit_is_laid_beside_what_was_evaluated_both_as_fitted(
    fits: tuple[DataVersion, Fitted, Fitted],
) -> None:
    data, first, second = fits
    found, table = of_refit(data.loop, data, DAYS, second, first)
    assert table.num_rows == 3 * 24 - 1
    said = [np.concatenate([fit.side(data, day, fitted=True).prediction for day in DAYS]) for fit in (second, first)]
    assert found["distance"] == pytest.approx(np.abs(said[0] - said[1]).mean() / said[1].std())
