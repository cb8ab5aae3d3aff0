"""Publish: one commit a day, the same delivery once."""

from __future__ import annotations

import random
from pathlib import Path

from ratchet.lifecycle import dataset
from ratchet.settings import Settings
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, counts, deliver, published, rows_of_day, verdict_now
from tests.given.forks import Forks


def test_a_good_day(place: Path) -> None:
    deliver(place, rows_of_day())
    result = ingest("wind", DAY)
    assert result.outcome == "done"
    assert counts(verdict_now()) == (60, 60, 0)
    assert published().num_rows == 60
    message = dataset.registry().git("log", "-1", "--format=%B", result.revision)
    assert message.startswith(f"Publish wind {DAY}")
    assert "60 fetched, 60 accepted, 0 quarantined" in message
    page = Settings.current().data_docs / "wind" / "weather" / f"{DAY}.html"
    assert "Expectation Validation Result" in page.read_text()


def test_twice_changes_nothing(place: Path) -> None:
    deliver(place, rows_of_day())
    first = ingest("wind", DAY)
    for name in ("fetch", "validate", "publish"):
        step(name, "wind", partitions=DAY)
    again = ingest("wind", DAY)
    assert again.outcome == "unchanged"
    assert again.revision == first.revision
    # The same content delivered under another name is the same delivery.
    assert ingest("wind", DAY, "sent-again").revision == first.revision


def test_a_late_correction(place: Path) -> None:
    deliver(place, rows_of_day())
    first = ingest("wind", DAY)
    deliver(place, rows_of_day(temp=70.0))
    second = ingest("wind", DAY, "correction")
    assert second.outcome == "done"
    assert set(published().column("temp").to_pylist()) == {70.0}
    assert set(published(first.revision).column("temp").to_pylist()) != {70.0}
    assert dataset.registry().partitions("wind", "weather", "HEAD") == [DAY]


def test_a_range_is_one_commit_a_day(place: Path) -> None:
    result = ingest("wind", "2013-01-02..2013-01-06")
    assert result.published == [f"2013-01-0{n}" for n in range(2, 7)]
    log = dataset.registry().git("log", "--format=%s").splitlines()
    assert log[:5] == [f"Publish wind 2013-01-0{n}" for n in range(6, 1, -1)]


def _titles() -> list[str]:
    return dataset.registry().git("log", "--format=%s").splitlines()


def test_a_publish_killed_at_any_moment_is_completed_by_a_retry(place: Path, forks: Forks) -> None:
    days = "2013-01-02..2013-01-05"
    for name in ("fetch", "validate"):
        step(name, "wind", partitions=days)
    dataset.registry()
    moments = random.Random(11)
    for _ in range(6):
        forks.kill("step", "publish", "--loop", "wind", "--partitions", days, after=moments.uniform(0.05, 0.8))
        for day in dataset.registry().partitions("wind", "weather", "HEAD"):
            path = f"wind/data/weather/{day}.parquet"
            assert dataset.registry().read([path], dataset.registry().head())[path].num_rows == 72
    result = step("publish", "wind", partitions=days)
    assert result.published == [f"2013-01-0{n}" for n in range(2, 6)]
    published = [title for title in _titles() if title.startswith("Publish")]
    assert sorted(published) == sorted(set(published))
    assert len(published) == 4
    assert not dataset.registry().git("status", "--porcelain").strip()


def test_two_writers_at_once(place: Path, forks: Forks) -> None:
    for day in ("2013-01-02", "2013-01-03"):
        for name in ("fetch", "validate"):
            step(name, "wind", partitions=day)
    both = [
        forks.start("step", "publish", "--loop", "wind", "--partitions", day) for day in ("2013-01-02", "2013-01-03")
    ]
    for process in both:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert dataset.registry().partitions("wind", "weather", "HEAD") == ["2013-01-02", "2013-01-03"]
    assert len([title for title in _titles() if title.startswith("Publish")]) == 2


def test_a_lock_that_a_killed_git_left_is_no_obstacle(place: Path) -> None:
    for name in ("fetch", "validate"):
        step(name, "wind", partitions="2013-01-02")
    (dataset.registry().root / ".git" / "index.lock").touch()
    assert step("publish", "wind", partitions="2013-01-02").outcome == "done"
