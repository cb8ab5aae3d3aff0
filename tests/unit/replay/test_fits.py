"""Fits of a replay: production's own, once a content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ratchet import catalog
from ratchet.errors import TrainingError
from ratchet.lifecycle import dataset, feature_days
from ratchet.replay import fits, history
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.steps import snapshot
from ratchet.training import baseline
from ratchet.training.fit import fit
from tests.conftest import step
from tests.given import rows
from tests.given.replays import NAME


def test_a_replay_trains_what_production_trains(past: History, replayed: Path) -> None:
    """A fit of the replay and the train step's model, on the same days, predict the same."""
    step("snapshot", NAME, run="r", until="2013-01-14")

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
    held = [day for day in data.days if data.digests[day] in made.about["ahead"]]
    assert (held[0], len(held)) == ("2013-01-02", 8 + fits.AHEAD), "those before it too, which a refit is judged on"
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


def test_a_replay_and_production_learn_the_same_baseline(past: History, replayed: Path) -> None:
    step("snapshot", NAME, run="plain", until="2013-01-20")
    pinned = snapshot.pinned(past.loop, "plain")
    first, _, last = pinned.train.partition("..")
    made = Fits(past.loop, replayed / "cache").get(past.at("2013-01-20"), first, last)
    found = baseline.learn(past.loop, snapshot.examples(past.loop, pinned.snapshot, snapshot.TRAIN).targets())
    assert found is not None
    assert [*found.losses] == [baseline.WINDOW, baseline.WEEK]
    assert made.baseline == found


def test_a_baseline_stands_as_a_fit_does(place: Path) -> None:
    loop = catalog.load("wind")
    data = history.of_rows(loop, rows.wind("2013-01-02..2013-01-12"), place / "cache").now
    held = Fits(loop, place / "cache")
    made = held.get(data, "2013-01-02", "2013-01-09")
    plain = made.plain
    assert plain is not None
    assert plain is made.plain
    assert (plain.name, plain.until) == (f"baseline:{made.name}", "2013-01-09")
    side = plain.side(data, "2013-01-10")
    assert np.array_equal(side.target, made.side(data, "2013-01-10").target)
    assert np.array_equal(side.prediction, made.baseline.predict(24))
    assert len(plain.whole(data, "2013-01-10", "2013-01-12")) == 3 * 24
    (cluster,) = held.compare(data, "2013-01-10", made, plain)
    assert cluster.total == pytest.approx((made.losses(data, "2013-01-10") - plain.losses(data, "2013-01-10")).sum())
    assert cluster.mean < 0  # there is a signal, and the model has found it
