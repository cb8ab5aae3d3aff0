"""The examples of days: what the definition says, each day's targets kept beside its features."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ratchet import catalog
from ratchet.data import targets
from ratchet.data.known import PARTITION
from ratchet.errors import DataError
from ratchet.lifecycle import dataset, examples, feature_days
from ratchet.partitions import parse
from tests.conftest import ingest
from tests.given import shop
from tests.given.deliveries import DAY, rows_of_day
from tests.given.deliveries import deliver as observe

OUTCOMES = (
    "  outcomes:\n    key: [order_id]\n    time: told_at\n    suite: shop_outcomes\n    repeated_key: update\n"
    "    columns: {order_id: int64, told_at: timestamp, came_back: bool}\n"
)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[pa.Table]:
    """Return the rows whose targets are computed, not read, from here on."""
    found: list[pa.Table] = []
    compute = targets.compute
    monkeypatch.setattr(
        targets, "compute", lambda loop, rows, labels: found.append(rows) or compute(loop, rows, labels)
    )
    return found


def of_days(name: str, days: list[str], revision: str = "HEAD") -> pa.Table:
    """Return the examples of days, which are what the definition says."""
    loop, registry = catalog.load(name), dataset.registry()
    at = registry.resolve(revision)
    found = examples.of_days(registry, loop, at, days)
    table = found.table()
    assert table.equals(targets.known(loop, feature_days.of_days(registry, loop, at, days)).cast(table.schema))
    assert found.num_rows == table.num_rows
    return table


def test_targets_are_computed_once_and_anew_where_a_day_came_again(place: Path, computed: list[pa.Table]) -> None:
    days = parse("2013-01-02..2013-01-08")
    ingest("wind", f"{days[0]}..{days[-1]}")
    loop, registry = catalog.load("wind"), dataset.registry()
    before = examples.of_days(registry, loop, registry.head(), days)
    assert sum(rows.num_rows for rows in computed) == before.table().num_rows
    computed.clear()
    assert examples.of_days(registry, loop, registry.head(), days) == before
    assert computed == []
    observe(place, rows_of_day())
    ingest("wind", DAY, delivery="again")
    after = examples.of_days(registry, loop, registry.head(), days)
    seeing = {DAY, "2013-01-06"}  # the day, and the one that looks back at it
    assert {day for rows in computed for day in rows.column(PARTITION).to_pylist()} == seeing
    changed = {one.day for one, other in zip(before.days, after.days, strict=True) if one != other}
    assert changed == seeing
    of_days("wind", days)


def test_labels_that_a_table_brings_later_make_more_examples_and_compute_no_feature(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shop.lay(
        place,
        orders="orders: data/orders_{partition}.csv\n      outcomes: data/outcomes_{partition}.csv",
        target=f"{OUTCOMES}label_delay_days: 2\nlabels: outcomes\ntarget: {{name: returned, sql: came_back::BIGINT}}",
    )
    for day in range(1, 6):
        shop.deliver(folder, day, *[shop.order(day * 10 + n, day, returned=None) for n in range(4)])
        told = [f"{(day - 2) * 10 + n},2024-03-{day:02d} 09:00,{'true' if n else 'false'}\n" for n in range(4)]
        path = folder / "data" / f"outcomes_{shop.day_of(day)}.csv"
        path.write_text("order_id,told_at,came_back\n" + "".join(told if day > 2 else []))
        ingest("shop", shop.day_of(day))
    days = parse(f"{shop.day_of(1)}..{shop.day_of(4)}")
    before = dataset.registry().head()
    assert of_days("shop", days).column("returned").to_pylist() == [0, 1, 1, 1] * 3
    path.write_text(path.read_text() + "10,2024-03-05 10:00,true\n40,2024-03-05 11:00,true\n")
    ingest("shop", shop.day_of(5))
    monkeypatch.setattr(feature_days, "_keep", None)  # whoever computes features fails
    assert of_days("shop", days).column("returned").to_pylist() == [1, 1, 1, 1] + [0, 1, 1, 1] * 2 + [1]
    assert of_days("shop", days, before).column("returned").to_pylist() == [0, 1, 1, 1] * 3


def test_where_the_contract_says_so_the_latest_row_of_a_key_is_the_example(place: Path) -> None:
    folder = shop.lay(place, tolerance="repeated_key: update")
    for day, amount in ((1, "1.5"), (2, "2.5"), (3, "3.5")):
        shop.deliver(folder, day, shop.order(7, day, amount=amount), shop.order(100 + day, day))
        ingest("shop", shop.day_of(day))
    for last, amount in ((1, 1.5), (2, 2.5), (3, 3.5)):
        found = of_days("shop", parse(f"{shop.day_of(1)}..{shop.day_of(last)}")).to_pylist()
        assert [row["amount"] for row in found if row["order_id"] == 7] == [amount]
        assert len(found) == last + 1


def test_days_without_a_label_are_told(place: Path) -> None:
    folder = shop.lay(place, training="label_delay_days: 2\nlabels: fetched_again\ntraining: {holdout_days: 2}")
    shop.deliver(folder, 1, *[shop.order(n, 1, returned=None) for n in range(4)])
    ingest("shop", shop.day_of(1))
    loop, registry = catalog.load("shop"), dataset.registry()
    with pytest.raises(DataError, match="No row of shop has a known returned in this window"):
        examples.of_days(registry, loop, registry.head(), [shop.day_of(1)])
