"""What a run's answers of a day are shifted by: learnt from what was published and is known, asked about once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.data.features import PARTITION
from ratchet.files import slug
from ratchet.lifecycle import dataset, feature_days, intercepts, predictions, records
from ratchet.lifecycle.records import Record
from ratchet.settings import Settings
from ratchet.training.baseline import Baseline
from tests.conftest import ingest

RUN = "baseline:old"
DAYS = [f"2013-01-{day:02}" for day in range(4, 10)]  # that the baseline has not seen, up to the last that is known
DAY = "2013-01-10"
STRONGER = ("SELECT * FROM", "SELECT * REPLACE (wind_speed + 9 AS wind_speed) FROM")  # all labels differ


@pytest.fixture
def learnt(place: Path) -> Path:
    """Keep a baseline that has learnt two days, far from the level of those that follow; return its sums' file."""
    ingest("wind", f"2013-01-02..{DAY}")
    plain = Baseline(kind="mean", values=(40.0,), rows=9, first="2013-01-02", until="2013-01-03")
    data = {"train": "2013-01-02..2013-01-03"}
    records.keep(catalog.load("wind"), Record(run="old", key="k", data=data, baseline=plain, intercept=21))
    return Settings.current().predictions / "wind" / "intercepts" / f"{slug(RUN)}.json"


def _shift(day: str = DAY, revision: str = "HEAD") -> tuple[float, ...]:
    return intercepts.shift(dataset.registry(), catalog.load("wind"), revision, RUN, day)


def _level(days: list[str]) -> float:
    rows = feature_days.of_days(dataset.registry(), catalog.load("wind"), "HEAD", days)
    return float(np.mean(rows.column("wind").drop_null().to_numpy()))


def test_it_is_learnt_from_the_days_whose_labels_are_known(learnt: Path) -> None:
    assert _shift() == (pytest.approx((_level(DAYS) - 40) * 6 / 13),)
    assert sorted(json.loads(learnt.read_text())) == DAYS
    assert _shift("2013-01-05") == (pytest.approx((_level(DAYS[:1]) - 40) / 8),)
    assert _shift("2013-01-04") == ()  # it has seen the days before


def test_each_day_is_asked_about_once_and_again_where_it_is_published_anew(
    learnt: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    of_days = feature_days.of_days

    def counted(source: object, loop: object, revision: str, days: list[str]) -> object:
        asked.extend(days)
        return of_days(source, loop, revision, days)  # type: ignore[arg-type]

    monkeypatch.setattr(feature_days, "of_days", counted)
    before = _shift()
    assert asked == DAYS
    assert _shift() == before
    assert asked == DAYS
    old, mended = dataset.registry().head(), json.loads(learnt.read_text())
    _correct(place, "2013-01-08")
    assert _shift() != before
    assert set(asked[len(DAYS) :]) == {"2013-01-08", "2013-01-09"}  # the features of the day after look a day back
    assert _shift(revision=old) == before
    learnt.unlink()
    assert _shift(revision=old) == before
    assert json.loads(learnt.read_text()) == mended


def test_what_was_judged_before_there_were_intercepts_answers_as_it_was_fitted(learnt: Path) -> None:
    records.amend(catalog.load("wind"), "old", intercept=0)
    assert _shift() == ()
    records.amend(catalog.load("wind"), "old", intercept=21, baseline=None)
    assert _shift() == ()  # and a training without a baseline has none to shift


def test_a_prediction_says_by_how_much_it_was_shifted(learnt: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    rows = feature_days.of_range(registry, loop, "HEAD", DAY, DAY)
    said = predictions.shadow(registry, loop, "HEAD", RUN, rows, DAY)
    (shift,) = _shift()
    assert set(said.column("intercept").to_pylist()) == {shift}
    assert set(said.column("prediction").to_pylist()) == {40.0 + shift}
    assert set(rows.column(PARTITION).to_pylist()) == {DAY}


def _correct(place: Path, day: str) -> None:
    """Let a day come again, with other labels."""
    path = place / "loops" / "wind" / "loop.yaml"
    text = path.read_text()
    path.write_text(text.replace(*STRONGER))
    ingest("wind", day, "stronger")
    path.write_text(text)
