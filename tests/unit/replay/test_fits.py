"""Fits of a replay: production's own, once a content."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.lifecycle import dataset
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from tests.conftest import step
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
    rows = dataset.features(dataset.registry(), loop, pinned.revision, "2013-01-15", "2013-01-15")
    assert replayed.predict(data, "2013-01-15") == pytest.approx(model.predict(rows), rel=1e-5)
