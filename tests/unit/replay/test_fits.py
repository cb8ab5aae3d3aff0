"""Fits of a replay: production's own, once a content."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import TrainingError
from ratchet.lifecycle import dataset, feature_days
from ratchet.replay import history
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from tests.conftest import step
from tests.given import rows
from tests.given.replays import NAME


def test_a_replay_trains_what_production_trains(past: History, replayed: Path) -> None:
    """A fit of the replay and the train step's model, on the same days, predict the same."""
    step("snapshot", NAME, run="r", until="2013-01-14")
    from ratchet.steps import snapshot
    from ratchet.training.fit import fit

    loop, data = past.loop, past.at("2013-01-14")
    pinned = snapshot.pinned(loop, "r")
    model, _ = fit(loop, snapshot.read(loop, pinned.snapshot, "train"))
    first, _, last = pinned.train.partition("..")
    replayed = Fits(loop, replayed / "cache").get(data, first, last)
    rows = feature_days.of_range(dataset.registry(), loop, pinned.revision, "2013-01-15", "2013-01-15")
    assert replayed.predict(data, "2013-01-15") == pytest.approx(model.predict(rows), rel=1e-5)


def test_a_fit_is_made_once_a_content_and_says_the_same_of_days_near_and_far(place: Path) -> None:
    loop = catalog.load("wind")
    table = rows.wind("2013-01-02..2013-03-20")
    data = history.of_rows(loop, table, place / "cache").now
    made = Fits(loop, place / "cache").get(data, "2013-01-02", "2013-01-09")
    stamp = (made.folder / "about.json").stat().st_mtime_ns
    again = Fits(loop, place / "cache").get(data, "2013-01-02", "2013-01-09")
    assert (again.name, (again.folder / "about.json").stat().st_mtime_ns) == (made.name, stamp)
    assert made.trained == "2013-01-02..2013-01-09"
    kept, far = "2013-01-10", "2013-03-19"  # the second is more than AHEAD days later
    assert data.digests[far] not in made.about["ahead"]
    for day in (kept, far):
        expected = made.model.predict(data.between(day, day))
        assert made.predict(data, day) == pytest.approx(expected, rel=1e-6)
    assert made.whole(data, kept, far) == pytest.approx(made.model.predict(data.between(kept, far)), rel=1e-6)
    side = made.side(data, kept)
    assert made.losses(data, kept) == pytest.approx((side.target - side.prediction) ** 2)


def test_a_fit_that_fails_fails_the_same_each_time(place: Path) -> None:
    loop = catalog.load("wind")
    training = loop.training.model_copy(
        update={"trainer": "torch_mlp", "params": {"learning_rate": 1e30, "dropout": 0.0, "max_epochs": 2}}
    )
    loop = loop.model_copy(update={"training": training})
    data = history.of_rows(loop, rows.wind("2013-01-02..2013-01-09"), place / "cache").now
    said = []
    for _ in range(2):
        with pytest.raises(TrainingError) as caught:
            Fits(loop, place / "cache").get(data, "2013-01-02", "2013-01-09")
        said.append(str(caught.value))
    assert said[0] == said[1]
