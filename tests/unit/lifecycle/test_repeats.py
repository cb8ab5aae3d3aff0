"""The index of published keys: a copy of the data registry that decides nothing by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.lifecycle import dataset, repeats
from ratchet.lifecycle.repeats import Keys
from ratchet.settings import Settings
from tests.conftest import ingest
from tests.given.shop import day_of, deliver, lay, order


@pytest.fixture
def loop(place: Path) -> Loop:
    folder = lay(place)
    for day in (1, 2):
        deliver(folder, day, *[order(2**53 + day * 10 + n, day) for n in range(3)])
        ingest("shop", day_of(day))
    return catalog.load("shop")


def _asked(loop: Loop, day: int, *numbers: int | None) -> list[bool]:
    table = pa.table({"order_id": pa.array(numbers, pa.int64())})
    keys = Keys(dataset.registry(), loop, [day_of(day)])
    return [bool(each) for each in keys.elsewhere("orders", table)]


def test_keys_of_other_days_are_found_to_the_last_bit(loop: Loop) -> None:
    first = 2**53 + 10
    assert _asked(loop, 2, first, first + 1, first + 5, None) == [True, True, False, False]
    assert _asked(loop, 1, first) == [False]  # its own day's
    assert _asked(loop, 9) == []


def test_the_index_follows_what_is_published_and_is_made_again(loop: Loop, place: Path) -> None:
    first = 2**53 + 10
    assert _asked(loop, 2, first) == [True]
    deliver(place / "loops" / "shop", 1, order(5, 1))
    ingest("shop", day_of(1), "again")
    assert _asked(loop, 2, first, 5) == [False, True]
    path = Settings.current().var / "keys" / "shop" / "orders.sqlite"
    path.unlink()
    assert _asked(loop, 2, first, 5) == [False, True]


def test_a_hash_that_two_keys_share_repeats_neither(loop: Loop) -> None:
    assert _asked(loop, 9, 77) == [False]
    path = Settings.current().var / "keys" / "shop" / "orders.sqlite"
    (value,) = repeats._hashes(pa.table({"order_id": pa.array([77], pa.int64())}))
    with sqlite3.connect(path) as index:
        index.execute("INSERT INTO keys VALUES (?, ?)", (int(value), day_of(1)))
    assert _asked(loop, 9, 77) == [False]


def test_a_key_that_holds_the_time_is_not_looked_up(loop: Loop) -> None:
    table = loop.tables["orders"].model_copy(update={"key": ("order_id", "ordered_at")})
    other = loop.model_copy(update={"tables": {**loop.tables, "orders": table}})
    assert _asked(other, 2, 2**53 + 10) == [False]
