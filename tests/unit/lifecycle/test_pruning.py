"""What a loop need not keep is found, and what anything still needs is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ratchet import catalog
from ratchet.adapters import runs, storage, writing
from ratchet.contract.loop import Loop
from ratchet.lifecycle import dataset, nights, pruning
from ratchet.settings import Settings
from tests.conftest import ingest, step, train
from tests.given import deliveries
from tests.given.trained import DAYS

LONG_AGO = 400 * 86400


def keep(place: Path, text: str) -> None:
    """Let the contract of `wind` say what is kept."""
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(f"{path.read_text()}\nkeep: {text}\n")


def _keeping(loop: Loop, **days: int) -> Loop:
    return loop.model_copy(update={"keep": loop.keep.model_copy(update=days)})


def age(*paths: Path) -> None:
    """Let files be of long ago."""
    for path in paths:
        for each in [path, *path.rglob("*")]:
            os.utime(each, (time.time() - LONG_AGO,) * 2)


def test_what_can_be_made_again_goes_when_it_is_old(place: Path) -> None:
    ingest("wind", DAYS)
    loop, settings = catalog.load("wind"), Settings.current()
    staged = next((settings.staging / "wind").iterdir())
    left = settings.predictions / "wind" / ".x.parquet.12345678.tmp"
    summed = left.parent / "intercepts" / "old.json"
    summed.parent.mkdir(parents=True)
    left.touch()
    summed.touch()
    assert pruning.work(loop) == []
    age(staged, left, summed)
    assert {*pruning.work(loop)} == {staged, left, summed}
    assert pruning.remove([staged, left]) > 1000
    assert not staged.exists()
    assert not left.exists()


def test_pages_of_old_nights_go_and_their_numbers_stay(place: Path) -> None:
    ingest("wind", DAYS)
    keep(place, "{pages_days: 3}")
    loop, settings = catalog.load("wind"), Settings.current()
    nights = settings.reports / "wind"
    for night in ("2013-01-05", "2013-01-14"):
        for name in ("drift.html", "drift.json"):
            (nights / night).mkdir(parents=True, exist_ok=True)
            (nights / night / name).touch()
    docs = settings.data_docs / "wind" / "weather"
    assert {path for path in pruning.pages(loop) if path.is_relative_to(nights)} == {
        nights / "2013-01-05" / "drift.html"
    }
    old = {path.name for path in pruning.pages(loop) if path.is_relative_to(docs)}
    assert old == {f"2013-01-{day:02d}.html" for day in range(2, 12)}


def test_a_partition_that_a_registered_model_was_made_of_keeps_its_bytes(wind: str, tracked: Path) -> None:
    """The old days leave the newest revision; those that no version names lose their bytes, in cache and remote."""
    train("wind", "first", until="2013-01-12")
    ingest("wind", "2013-02-20..2013-02-21")
    keep(tracked, "{data_days: 61}")
    loop, registry = catalog.load("wind"), dataset.registry()
    assert pruning.partitions(loop) == []
    loop = loop.model_copy(update={"keep": loop.keep.model_copy(update={"data_days": 2})})
    days = pruning.partitions(loop)
    assert days == registry.partitions("wind", "weather", "HEAD")[: len(days)]
    assert days[-1] == "2013-01-14"
    before = registry.head()
    with runs.connected() as client:
        used = {*pruning.manifests(registry, loop, client)}
        asked = pruning.blobs(loop, client, days)
        assert pruning.blobs(loop, client) == set()
        pruning.let_go(loop, days)
        gone = pruning.blobs(loop, client)
    assert gone == asked  # what is asked beforehand is what goes
    registry = dataset.registry()
    assert registry.partitions("wind", "weather", "HEAD") == ["2013-02-20", "2013-02-21"]
    assert gone
    assert used
    assert not gone & used
    assert len(used) == 10  # up to the 11th: what came after was not known to the model
    registry.storage.remove(gone)
    kept = [f"wind/data/weather/{day}.parquet" for day in days[:10]]
    assert len(registry.read(kept, before)) == len(kept)
    for digest in gone:
        assert not registry.storage.has(digest)
        assert not (Path(registry.remote) / "files" / "md5" / digest[:2] / digest[2:]).exists()


def test_what_a_model_was_made_of_is_what_its_features_read_then(wind: str, tracked: Path) -> None:
    """A contract that looks back less by now lets nothing go of what an older model looked back at."""
    train("wind", "first", until="2013-01-13")
    loop, registry = catalog.load("wind"), dataset.registry()
    with runs.connected() as client:
        before = {*pruning.manifests(registry, loop, client)}
        loop = loop.model_copy(update={"features": loop.features.model_copy(update={"lookback_days": 0})})
        assert {*pruning.manifests(registry, loop, client)} == before


def test_rows_of_a_day_that_was_never_accepted_go_with_their_day(tracked: Path, place: Path) -> None:
    ingest("wind", "2013-02-20..2013-02-21")
    deliveries.deliver(place, deliveries.rows_of_day(wind_speed=400.0))
    assert ingest("wind", deliveries.DAY).outcome == "refused"
    loop, registry = catalog.load("wind"), dataset.registry()
    (put_aside,) = registry.pointers(f"wind/quarantine/{deliveries.DAY}").values()
    assert pruning.partitions(_keeping(loop, data_days=30)) == []  # so many days are not published yet
    loop = _keeping(loop, data_days=1)
    assert pruning.partitions(loop) == [deliveries.DAY, "2013-02-20"]
    with runs.connected() as client:
        pruning.let_go(loop, pruning.partitions(loop))
        gone = pruning.blobs(loop, client)
    assert storage.parse(put_aside, "")[0] in gone
    assert dataset.registry().verdict("wind", deliveries.DAY)
    assert pruning.partitions(loop) == []


def test_a_day_that_is_dated_far_ahead_lets_nothing_go(tracked: Path) -> None:
    ingest("wind", "2013-01-02..2013-01-05")
    ingest("wind", "2013-02-20")
    loop = catalog.load("wind")
    assert pruning.partitions(_keeping(loop, data_days=4)) == ["2013-01-02"]
    assert pruning.partitions(_keeping(loop, data_days=5)) == []


def test_what_a_later_delivery_has_replaced_goes_after_its_days_alone(tracked: Path, place: Path) -> None:
    deliveries.deliver(place, deliveries.rows_of_day())
    ingest("wind", deliveries.DAY)
    first = dataset.registry().text(f"wind/data/weather/{deliveries.DAY}.parquet.dvc")
    deliveries.deliver(place, deliveries.rows_of_day(temp=10.0))
    ingest("wind", deliveries.DAY)
    loop = catalog.load("wind")
    with runs.connected() as client:
        assert pruning.blobs(loop, client) == set()
        loop = loop.model_copy(update={"keep": loop.keep.model_copy(update={"superseded_days": 1})})
        assert pruning.blobs(loop, client) == set()
        loop = loop.model_copy(update={"keep": loop.keep.model_copy(update={"superseded_days": -1})})
        (gone,) = pruning.blobs(loop, client)
    assert first
    assert gone in first


def test_runs_that_no_version_names_and_no_decision_needs_are_found(wind: str) -> None:
    train("wind", "first", until="2013-01-12")
    step("snapshot", "wind", run="second")
    unneeded = step("train", "wind", run="second").mlflow_run
    loop = catalog.load("wind")
    with runs.connected() as client:
        assert pruning.unneeded_runs(loop, client) == []
        loop = loop.model_copy(update={"keep": loop.keep.model_copy(update={"runs_days": -1})})
        assert pruning.unneeded_runs(loop, client) == [unneeded]


def test_nothing_is_counted_in_words() -> None:
    assert pruning.told({"files": 0, "runs": 0}) == "nothing"
    assert pruning.told({"files": 1200, "runs": 3}) == "1,200 files, 3 runs"


def test_what_a_challenger_in_shadow_or_an_open_night_rests_on_stays(wind: str, tracked: Path) -> None:
    """Neither is registered: the run of one may still be, and the other has yet to look at what it knew."""
    train("wind", "first", until="2013-01-12")
    loop, registry = catalog.load("wind"), dataset.registry()
    loop = loop.model_copy(update={"keep": loop.keep.model_copy(update={"superseded_days": -1})})
    known = registry.head()
    with writing.held(registry) as writer:
        nights.begin(writer, loop, {"2013-01-16": "night"})
        nights.know(writer, loop, ["2013-01-16"], known)
    old = registry.pointers("wind/data", known)
    deliveries.deliver(tracked, deliveries.rows_of_day())
    ingest("wind", deliveries.DAY)
    with runs.connected() as client:
        (used,) = {storage.parse(old[f"wind/data/weather/{deliveries.DAY}.parquet"], "")[0]}
        assert used not in pruning.blobs(loop, client)
        assert pruning.take_away({used}) == 0
    assert registry.storage.has(used)
