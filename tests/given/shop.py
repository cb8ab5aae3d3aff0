"""A shop's orders in files, a day each, and what became of them: other people's data, small enough to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from ratchet.decisions.deliveries import DeliveryVerdict
from ratchet.lifecycle import dataset

CONTRACT = """\
name: shop
description: Will an order come back?
task: binary
source:
  kind: files
  options:
    tables:
      orders: data/orders_{partition}.csv
      prices: data/prices.csv
tables:
  orders:
    key: [order_id]
    time: ordered_at
    suite: shop_orders
    tolerance: 0.3
    columns: {order_id: int64, ordered_at: timestamp, shop: string, quantity: int64, amount: float64, returned: bool}
  prices:
    key: [listed_at, shop]
    time: listed_at
    suite: shop_prices
    columns: {listed_at: timestamp, shop: string, price: float64}
target: {name: returned, sql: CAST(returned AS BIGINT)}
features: {lookback_days: 2}
training: {window: expanding, holdout_days: 2, params: {max_iter: 10}}
"""
FEATURES = "SELECT order_id, ordered_at AS event_time, quantity, amount FROM orders"
ORDERS = "order_id,ordered_at,shop,quantity,amount,returned\n"
PRICES = "listed_at,shop,price\n"


def lay(place: Path, **replaced: str) -> Path:
    """Lay the loop out, with texts of its contract replaced; return its folder."""
    folder = place / "loops" / "shop"
    (folder / "data").mkdir(parents=True)
    write(folder, **replaced)
    (folder / "features.sql").write_text(FEATURES)
    for suite in ("shop_orders", "shop_prices", "shop_outcomes"):
        content = {"name": suite, "expectations": [], "meta": {}}
        (place / "suites" / "expectations" / f"{suite}.json").write_text(json.dumps(content))
    (folder / "data" / "prices.csv").write_text(PRICES)
    return folder


def write(folder: Path, **replaced: str) -> None:
    """Write the contract anew: each keyword names a line by its first word and gives what stands there instead."""
    text = CONTRACT
    for name, line in replaced.items():
        head, found, rest = text.partition(f"{name}:")
        assert found, name
        text = f"{head}{line}{rest[rest.index(chr(10)) :]}" if line else head.rstrip(" ") + rest.partition("\n")[2]
    (folder / "loop.yaml").write_text(text)


def order(number: int, day: int, **changes: Any) -> str:
    """Write an order down as a line of CSV; March 2024."""
    row = {
        "order_id": number,
        "ordered_at": f"2024-03-{day:02d} {number % 24:02d}:00:00",
        "shop": "NE"[number % 2],
        "quantity": 1 + number % 5,
        "amount": f"{number % 7}.50",
        "returned": ("true", "false")[number % 2],
        **changes,
    }
    return ",".join("" if value is None else str(value) for value in row.values()) + "\n"


def deliver(folder: Path, day: int, *lines: str) -> None:
    """Let the file of a day hold these orders."""
    (folder / "data" / f"orders_2024-03-{day:02d}.csv").write_text(ORDERS + "".join(lines))


def day_of(day: int) -> str:
    """Name a partition."""
    return f"2024-03-{day:02d}"


def verdict(day: int) -> DeliveryVerdict:
    """Return what became of a day."""
    found = dataset.registry().verdict("shop", day_of(day))
    assert found is not None
    return found


def published(table: str, day: int) -> list[dict[str, Any]]:
    """Return what is published of a day."""
    return _read(f"shop/data/{table}/{day_of(day)}.parquet").to_pylist()


def quarantined(table: str, day: int) -> list[dict[str, Any]]:
    """Return what is in quarantine of a day's newest delivery."""
    return _read(f"shop/quarantine/{day_of(day)}/{verdict(day).delivery[:12]}/{table}.parquet").to_pylist()


def _read(path: str) -> pa.Table:
    registry = dataset.registry()
    return registry.read([path], registry.head())[path]
