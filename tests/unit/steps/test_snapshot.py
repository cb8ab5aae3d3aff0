"""Snapshot: what a training saw, pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.data import features
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, nights
from ratchet.steps import snapshot
from tests.conftest import ingest, rename, step
from tests.given.nights import ask_for_a_training, turn


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


def test_a_snapshot_is_a_list_of_day_files_which_trainings_share(wind: str, tracked: Path) -> None:
    """Each training wrote the rows of its window anew."""
    loop = catalog.load(wind)
    first = step("snapshot", wind, run="first")
    assert [path.name for path in snapshot.folder(loop, first.snapshot).iterdir()] == ["manifest.json"]
    kept = {path: path.stat().st_mtime_ns for path in (tracked / "var" / "features" / wind).rglob("*.parquet")}
    ingest(wind, "2013-01-15")
    second = step("snapshot", wind, run="second")
    parts = [snapshot.examples(loop, each.snapshot, "train") for each in (first, second)]
    assert parts[1].days[:-1] == parts[0].days
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (first.train_rows, second.train_rows) == tuple(part.table().num_rows for part in parts)


@pytest.mark.parametrize("lost", ["*/*/*/*.parquet", "*/*/*/*.*.parquet"])
def test_files_of_a_snapshot_that_are_gone_are_computed_again(wind: str, tracked: Path, lost: str) -> None:
    loop, first = catalog.load(wind), step("snapshot", wind, run="first")
    before = snapshot.read(loop, first.snapshot, "train")
    for path in (tracked / "var" / "features").glob(lost):
        path.unlink()
    with pytest.raises(DataError, match=r"is gone\. Run the step snapshot again"):
        snapshot.read(loop, first.snapshot, "train")
    again = step("snapshot", wind, run="first")
    assert again == first.model_copy(update={"outcome": again.outcome})
    assert snapshot.read(loop, again.snapshot, "train").equals(before)


def test_a_snapshot_that_held_rows_is_made_anew(wind: str, tracked: Path) -> None:
    """As 0.1 and versions after it wrote them: rows in files of their own, and a manifest that counts them."""
    loop, first = catalog.load(wind), step("snapshot", wind, run="first")
    path = snapshot.folder(loop, first.snapshot) / "manifest.json"
    path.write_text('{"train_rows": 1, "holdout_rows": 1, "data_hash": "of then"}')
    with pytest.raises(DataError, match="Run the step snapshot again"):
        snapshot.read(loop, first.snapshot, "train")
    again = step("snapshot", wind, run="first")
    assert (again.snapshot, again.data_hash) == (first.snapshot, first.data_hash)
    assert snapshot.read(loop, again.snapshot, "train").num_rows == first.train_rows


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


def test_a_training_knows_what_the_night_knew_that_asked_for_it(wind: str) -> None:
    night = "2013-01-15"
    turn(night, "night")
    ingest(wind, night, "night")
    known = nights.revision(dataset.registry(), catalog.load(wind), night)
    ask_for_a_training(night, "drift__v1")
    ingest(wind, "2013-01-16..2013-01-17")
    asked = step("snapshot", wind, run="drift__v1")
    assert (asked.revision, asked.holdout.partition("..")[2]) == (known, "2013-01-14")
    other = step("snapshot", wind, run="by-hand")
    assert (other.revision, other.holdout.partition("..")[2]) == (dataset.registry().head(), "2013-01-16")


def test_a_snapshot_that_was_deleted_is_computed_by_the_contract_that_it_pinned(wind: str, tracked: Path) -> None:
    first = step("snapshot", wind, run="first")
    path = tracked / "loops" / wind / "loop.yaml"
    path.write_text(path.read_text().replace("holdout_days: 4", "holdout_days: 2"))
    assert step("snapshot", wind, run="second").holdout == "2013-01-12..2013-01-13"
    shutil.rmtree(snapshot.folder(catalog.load(wind), first.snapshot))
    rebuilt = step("snapshot", wind, run="first")
    assert (rebuilt.holdout, rebuilt.data_hash, rebuilt.contract) == (first.holdout, first.data_hash, first.contract)
    assert snapshot.contract(catalog.load(wind), "first").training.holdout_days == 4
    assert snapshot.contract(catalog.load(wind), "never").training.holdout_days == 2
