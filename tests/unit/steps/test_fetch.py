"""Fetch: a delivery as it came."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ratchet.errors import DataError, RequestError, SourceError
from ratchet.settings import Settings
from tests.conftest import ingest, step
from tests.given.deliveries import DAY, deliver, rows_of_day


def test_a_damaged_delivery_is_named_and_fetched_anew(place: Path) -> None:
    deliver(place, rows_of_day())
    step("fetch", "wind", partitions=DAY)
    path = Settings.current().staging / "wind" / DAY / DAY / "weather.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is damaged"):
        step("validate", "wind", partitions=DAY)
    assert step("fetch", "wind", partitions=DAY).outcome == "done"
    assert ingest("wind", DAY).outcome == "done"


def test_a_day_that_is_not_over_is_not_fetched(place: Path) -> None:
    """By hand today was fetched as far as it had come, and published."""
    deliver(place, rows_of_day())
    today = dt.datetime.now(dt.UTC).date().isoformat()
    with pytest.raises(RequestError, match=f"{today} is not over: a partition is fetched when its day has ended"):
        step("fetch", "wind", partitions=today)


def test_an_unreachable_source_is_worth_a_retry(place: Path) -> None:
    (place / "loops" / "wind" / "data").unlink()
    with pytest.raises(SourceError, match="There is no file data/") as caught:
        step("fetch", "wind", partitions=DAY)
    assert caught.value.retriable


def test_the_same_content_is_left_as_it_is(place: Path) -> None:
    deliver(place, rows_of_day())
    assert step("fetch", "wind", partitions=DAY).rows == {DAY: 60}
    path = Settings.current().staging / "wind" / DAY / DAY / "weather.parquet"
    before = (path.stat().st_ino, path.stat().st_mtime_ns)
    assert step("fetch", "wind", partitions=DAY).outcome == "unchanged"
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
    deliver(place, rows_of_day(59))
    assert step("fetch", "wind", partitions=DAY).outcome == "done"


def test_a_column_that_comes_twice_is_one_sentence(place: Path) -> None:
    deliver(place, rows_of_day())
    contract = place / "loops" / "wind" / "loop.yaml"
    contract.write_text(contract.read_text().replace("SELECT * FROM", "SELECT *, humid AS temp FROM"))
    with pytest.raises(DataError, match=r"two columns 'temp'\. Name one otherwise in its SELECT"):
        step("fetch", "wind", partitions=DAY)
