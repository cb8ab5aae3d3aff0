"""Deliveries as other people send them: what came in is what was sent, or it is said why not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import SourceError
from ratchet.lifecycle import dataset, feature_days
from ratchet.settings import Settings
from ratchet.steps import readmit
from tests.conftest import ingest, step
from tests.given.shop import day_of, deliver, lay, order, published, quarantined, verdict, write


def test_a_value_that_does_not_fit_goes_to_quarantine_as_it_came(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1, order(1, 1), order(2, 1, quantity="8.5"), order(3, 1), order(4, 1))
    result = ingest("shop", day_of(1))
    assert result.outcome == "done"
    assert [row["order_id"] for row in published("orders", 1)] == [1, 3, 4]
    (row,) = quarantined("orders", 1)
    assert (row["quantity"], row["_ratchet_row"], row["_ratchet_broke"]) == ("8.5", 2, "quantity is no int64")
    assert "1 of 4 rows of orders quarantined: 1 quantity is no int64" in verdict(1).reason


def test_a_contract_may_let_one_value_refuse_the_day(place: Path) -> None:
    folder = lay(place, tolerance="tolerance: 0")
    deliver(folder, 1, *[order(n, 1) for n in range(9)], order(9, 1, quantity="8.5"))
    assert ingest("shop", day_of(1)).outcome == "refused"
    assert "type change of quantity: found string, expected int64; 1 of 10 rows do not fit, the first is row 10" in (
        verdict(1).reason
    )


def test_dates_that_are_ambiguous_are_refused_until_the_contract_says_how_they_are_written(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1, *[order(n, 1, ordered_at="01/03/2024") for n in range(5)])
    assert ingest("shop", day_of(1)).outcome == "refused"
    assert "say otherwise in tables.orders.date_format" in verdict(1).reason
    write(folder, tolerance='date_format: "%d/%m/%Y"')
    assert readmit.run(catalog.load("shop"), readmit.ReadmitRequest(partition=day_of(1))).outcome == "done"
    assert {row["ordered_at"] for row in published("orders", 1)} == {dt.datetime(2024, 3, 1)}


def test_rows_of_another_day_go_to_quarantine(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1, *[order(n, 1) for n in range(8)], order(8, 2), order(9, 1, ordered_at=None))
    assert ingest("shop", day_of(1)).outcome == "done"
    broke = [row["_ratchet_broke"] for row in quarantined("orders", 1)]
    assert broke == ["ordered_at is of another day", "ordered_at is missing"]


def test_a_table_is_published_for_itself(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1)
    (folder / "data" / "prices.csv").write_text("listed_at,shop,price\n2024-03-01 00:00,N,1.5\n2024-03-01 00:00,E,x\n")
    result = ingest("shop", day_of(1))
    assert result.outcome == "refused"  # one of two prices is none, and none is tolerated
    (folder / "data" / "prices.csv").write_text("listed_at,shop,price\n2024-03-01 00:00,N,1.5\n")
    assert ingest("shop", day_of(1)).outcome == "skipped"
    assert verdict(1).reason == "empty: the source delivered no rows of orders; published: 1 rows of prices"
    assert [row["price"] for row in published("prices", 1)] == [1.5]
    assert dataset.registry().partitions("shop", "orders", "HEAD") == []


@pytest.mark.parametrize("same", [True, False])
def test_a_key_that_another_day_holds_goes_to_quarantine(place: Path, same: bool) -> None:
    folder = lay(place)
    deliver(folder, 1, *[order(n, 1) for n in range(5)])
    ingest("shop", day_of(1))
    deliver(folder, 2, order(3 if same else 13, 2), *[order(n, 2) for n in range(20, 25)])
    assert ingest("shop", day_of(2)).outcome == "done"
    if same:
        (row,) = quarantined("orders", 2)
        assert row["_ratchet_broke"] == "order_id is the key of another day"
    assert len(published("orders", 2)) == (5 if same else 6)
    registry, loop = dataset.registry(), catalog.load("shop")
    rows = feature_days.of_range(registry, loop, registry.head(), day_of(1), day_of(2))
    assert rows.num_rows == (10 if same else 11)


def test_a_key_on_two_days_of_one_delivery_is_kept_once(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1, *[order(n, 1) for n in range(4)])
    deliver(folder, 2, order(3, 2), *[order(n, 2) for n in range(20, 24)])
    days = f"{day_of(1)}..{day_of(2)}"
    assert ingest("shop", days).outcome == "done"
    assert [row["order_id"] for row in quarantined("orders", 2)] == ["3"]
    deliver(folder, 1, *[order(n, 1) for n in range(3)])  # sent again without it: the second day may have it
    assert ingest("shop", days, "again").outcome == "done"
    assert [row["order_id"] for row in published("orders", 2)] == [3, 20, 21, 22, 23]


def test_where_the_contract_says_so_the_latest_day_stands_for_a_key(place: Path) -> None:
    folder = lay(place, tolerance="repeated_key: update")
    for day, amount in ((1, "1.5"), (2, "2.5"), (3, "3.5")):
        deliver(folder, day, order(7, day, amount=amount), order(100 + day, day))
        assert ingest("shop", day_of(day)).outcome == "done"
    registry, loop = dataset.registry(), catalog.load("shop")
    for last, amount in ((1, 1.5), (2, 2.5), (3, 3.5)):  # what was known then
        rows = feature_days.of_range(registry, loop, registry.head(), day_of(1), day_of(last)).to_pylist()
        assert [row["amount"] for row in rows if row["order_id"] == 7] == [amount]
        assert len(rows) == last + 1


def test_a_range_reads_its_source_once_and_each_day_has_its_own_verdict(place: Path) -> None:
    folder = lay(place, orders="orders: data/all.csv")
    lines = [order(day * 100 + n, day) for n in range(4) for day in (3, 1, 2)]
    bad = [order(900 + n, 2, quantity="x") for n in range(4)]
    (folder / "data" / "all.csv").write_text(
        "order_id,ordered_at,shop,quantity,amount,returned\n" + "".join([*lines, *bad])
    )
    result = ingest("shop", f"{day_of(1)}..{day_of(4)}")
    assert result.outcome == "refused"
    assert [verdict(day).status for day in (1, 2, 3, 4)] == ["accepted", "rejected", "accepted", "empty"]
    assert [row["order_id"] for row in published("orders", 3)] == [300, 301, 302, 303]


def test_labels_that_are_due_are_fetched_again(place: Path) -> None:
    folder = lay(place, training="label_delay_days: 2\nlabels: fetched_again\ntraining: {holdout_days: 2}")
    for day in range(1, 6):
        deliver(folder, day, *[order(day * 10 + n, day, returned=None) for n in range(4)])
        for known in range(1, day - 1):
            deliver(folder, known, *[order(known * 10 + n, known) for n in range(4)])
        step("turn", "shop", partitions=day_of(day), run="night")
        result = ingest("shop", day_of(day))
        assert result.outcome == "done"
    assert "corrects 2024-03-03: 0 rows came, 0 went, 4 differ, 4 labels" in result.reason
    registry, loop = dataset.registry(), catalog.load("shop")
    rows = feature_days.of_range(registry, loop, registry.head(), day_of(1), day_of(5)).to_pylist()
    known = {row["_ratchet_partition"]: row["returned"] is not None for row in rows}
    assert known == {day_of(1): True, day_of(2): True, day_of(3): True, day_of(4): False, day_of(5): False}


def test_a_table_brings_labels_by_key_on_the_day_on_which_they_are_known(place: Path) -> None:
    outcomes = (
        "  outcomes:\n    key: [order_id]\n    time: told_at\n    suite: shop_outcomes\n    repeated_key: update\n"
        "    columns: {order_id: int64, told_at: timestamp, came_back: bool}\n"
    )
    folder = lay(
        place,
        orders="orders: data/orders_{partition}.csv\n      outcomes: data/outcomes_{partition}.csv",
        target=f"{outcomes}label_delay_days: 2\nlabels: outcomes\ntarget: {{name: returned, sql: came_back::BIGINT}}",
    )
    for day in range(1, 6):
        deliver(folder, day, *[order(day * 10 + n, day, returned=None) for n in range(4)])
        told = [
            f"{(day - 2) * 10 + n},2024-03-{day:02d} 09:00,{'true' if n else 'false'}\n" for n in range(4) if day > 2
        ]
        path = folder / "data" / f"outcomes_{day_of(day)}.csv"
        path.write_text("order_id,told_at,came_back\n" + "".join(told))
        assert ingest("shop", day_of(day)).outcome == "done"
    path.write_text(path.read_text() + "10,2024-03-05 10:00,true\n")  # told otherwise, four days after
    assert ingest("shop", day_of(5)).outcome == "done"
    registry, loop = dataset.registry(), catalog.load("shop")
    rows = feature_days.of_range(registry, loop, registry.head(), day_of(1), day_of(5)).to_pylist()
    assert [row["returned"] for row in rows] == [1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, *[None] * 8]


def test_a_day_of_rest_is_a_fact_and_a_missing_file_on_another_is_waited_for(place: Path) -> None:
    folder = lay(place, features="schedule: {calendar: weekdays}\nfeatures: {lookback_days: 2}")
    deliver(folder, 1, order(1, 1))
    ingest("shop", day_of(1))
    for day in (2, 3):  # a weekend
        fetched = step("fetch", "shop", partitions=day_of(day))
        assert f"{day_of(day)} rests: {'Saturday' if day == 2 else 'Sunday'}" in fetched.reason
        assert ingest("shop", day_of(day)).outcome == "skipped"
    with pytest.raises(SourceError, match=r"There is no file data/orders_2024-03-04\.csv.*calendar or holidays"):
        step("fetch", "shop", partitions=day_of(4))
    deliver(folder, 4)
    assert f"{day_of(4)} has no rows, and is no day of rest" in step("fetch", "shop", partitions=day_of(4)).reason


def test_what_is_staged_of_a_day_is_what_came(place: Path) -> None:
    folder = lay(place)
    deliver(folder, 1, order(1, 1, shop="007"))
    step("fetch", "shop", partitions=day_of(1))
    path = Settings.current().staging / "shop" / day_of(1) / day_of(1) / "orders.parquet"
    before = (path.stat().st_ino, path.stat().st_mtime_ns)
    assert step("fetch", "shop", partitions=day_of(1)).outcome == "unchanged"
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == before
