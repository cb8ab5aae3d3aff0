"""Snapshot: what a training saw, pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.steps import snapshot
from tests.conftest import ingest, rename, step


def test_a_snapshot_stays_what_it_was(wind: str) -> None:
    first = step("snapshot", wind, run="first")
    ingest(wind, "2013-01-15..2013-01-16")
    assert step("snapshot", wind, run="first").snapshot == first.snapshot
    later = step("snapshot", wind, run="second")
    assert later.snapshot != first.snapshot
    assert later.holdout.endswith("2013-01-15")
    loop = catalog.load(wind)
    shutil.rmtree(snapshot.folder(loop, first.snapshot))
    rebuilt = step("snapshot", wind, run="first")
    assert (rebuilt.data_hash, rebuilt.snapshot) == (first.data_hash, first.snapshot)


def test_the_holdout_is_never_trained_on(wind: str) -> None:
    loop = catalog.load(wind)
    name = step("snapshot", wind, run="first").snapshot
    train_days, held = (
        {*snapshot.read(loop, name, part).column(features.PARTITION).to_pylist()} for part in ("train", "holdout")
    )
    assert max(train_days) < min(held)


def test_too_few_days(tracked: Path) -> None:
    name = rename(tracked, "wind", "wind_few")
    ingest(name, "2013-01-02..2013-01-05")
    with pytest.raises(DataError, match="Ingest more days"):
        step("snapshot", name, run="first")
