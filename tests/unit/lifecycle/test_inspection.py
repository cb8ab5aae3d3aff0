"""Inspecting a table: every reason for which a row is not accepted, beside the row."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.lifecycle import dataset
from ratchet.lifecycle.inspection import Inspection, inspect
from ratchet.lifecycle.repeats import Keys
from tests.given.shop import ORDERS, day_of, lay, order


def _inspect(*lines: str) -> Inspection:
    rows = [line.rstrip("\n").split(",") for line in lines]
    loop = catalog.load("shop")
    columns = {name: [row[n] or None for row in rows] for n, name in enumerate(ORDERS.strip().split(","))}
    return inspect(Keys(dataset.registry(), loop, [day_of(1)]), loop, "orders", day_of(1), pa.table(columns))


@pytest.fixture(autouse=True)
def _shop(place: Path) -> None:
    lay(place)


def test_keys_next_to_each_other_beyond_2_to_the_53_are_two_keys() -> None:
    """Beside a null pandas would make floats of them, and both would be the same."""
    big = 2**53
    found = _inspect(order(big, 1), order(big + 1, 1), order(0, 1, order_id=None), order(7, 1))
    assert found.broken == {2: ["expect_column_values_to_not_be_null(order_id)"]}
    assert found.accepted.column("order_id").to_pylist() == [big, big + 1, 7]


def test_a_row_is_broken_for_every_reason_that_there_is() -> None:
    found = _inspect(*[order(n, 1) for n in range(9)], order(9, 2, quantity="many", amount="much"))
    assert found.broken == {9: ["quantity is no int64", "amount is no float64", "ordered_at is of another day"]}
    assert not found.refused


def test_rows_keep_their_number_beside_others_that_were_taken_out() -> None:
    found = _inspect(order(1, 2), *[order(n, 1) for n in range(2, 9)], order(5, 1, amount="77"))
    assert sorted(found.broken) == [0, 4, 8]  # the stray, and both of a key with two contents


def test_more_than_is_tolerated_refuses_and_names_what_is_worst() -> None:
    found = _inspect(*[order(n, 1) for n in range(4)], *[order(n, 2) for n in range(4, 8)])
    assert found.refused == [
        "50.0% of 8 rows break an expectation, tolerated are 30.0%; 4 break ordered_at is of another day"
    ]
