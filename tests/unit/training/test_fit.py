"""Fit: after how many rounds to stop is searched on the latest days, then all days are learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.data.features import PARTITION
from ratchet.partitions import parse
from ratchet.training import fit, metrics
from ratchet.training.trainers import Curve
from tests.given import rows

DAYS = parse("2013-01-01..2013-04-30")


@given(st.integers(4, 120), st.integers(0, 50))
def test_what_is_searched_on_is_later_than_what_is_learnt_from(count: int, start: int) -> None:
    days = DAYS[start : start + count]
    if len(days) < 4:
        return
    last = fit.searched_until(days)
    assert last == days[-1] or last[:7] < days[-1][:7]  # whole months, where they are enough
    assert (last != days[-1]) == (len([day for day in days if day[:7] < days[-1][:7]]) >= fit.WHOLE)


def test_the_latest_days_are_held_back_and_too_few_are_not_parted() -> None:
    table = rows.wind("2013-01-02..2013-01-21")
    early, late = fit.split(table)
    assert late is not None
    seen, held = ({*part.column(PARTITION).to_pylist()} for part in (early, late))
    assert held == {"2013-01-19", "2013-01-20", "2013-01-21"}  # 15% of 20
    assert max(seen) == "2013-01-18"
    assert fit.split(rows.wind("2013-01-02..2013-01-04"))[1] is None


def test_the_best_round_is_the_least_validation_loss() -> None:
    assert fit.best(Curve((3.0, 2.0, 1.0), (3.0, 2.0, 2.5))) == 2
    assert fit.best(Curve((3.0,), ())) is None


def test_a_model_learns_from_the_latest_days_too(place: Path) -> None:
    loop, table = catalog.load("wind"), rows.wind()
    rounds, _ = fit.search(loop, table)
    assert rounds is not None
    assert fit.fit(loop, table, (7, None))[0].estimator.n_iter_ == 7
    model, _ = fit.fit(loop, table, (rounds, None))
    other, _ = fit.fit(loop, table)
    unseen = rows.wind("2013-02-01", seed=9)
    assert np.array_equal(model.predict(unseen), other.predict(unseen))
    assert metrics.measure("regression", model.encoder.target_values(unseen), model.predict(unseen))["r2"] > 0.7
    kept = model.encoder.means[model.encoder.numbers.index("wind_now")]
    assert kept == pytest.approx(np.mean(table.column("wind_now")))
