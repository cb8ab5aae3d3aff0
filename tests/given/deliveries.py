"""Deliveries of one day to the loop `wind`, and what became of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from ratchet.lifecycle import dataset

DAY = "2013-01-05"


def rows_of_day(count: int = 60, **changes: Any) -> list[dict[str, Any]]:
    """Observations of one day, three airports a hour."""
    return [
        {
            "observed_at": dt.datetime(2013, 1, 5) + dt.timedelta(hours=i // 3),
            "origin": ("EWR", "JFK", "LGA")[i % 3],
            "temp": 30.0 + i / 10,
            "humid": 50.0,
            "wind_speed": float(i % 20),
            "pressure": 1010.0,
            **changes,
        }
        for i in range(count)
    ]


def deliver(place: Path, rows: list[dict[str, Any]]) -> None:
    """Let the loop's CSV file hold these rows, and the next delivery bring them."""
    folder = place / "loops" / "wind" / "data"
    if folder.is_symlink():
        folder.unlink()
        folder.mkdir()
    header = [
        {
            "observed_at": dt.datetime(1999, 1, 1),
            "origin": "EWR",
            **dict.fromkeys(("temp", "humid", "wind_speed", "pressure"), 0.5),
        }
    ]
    names = list(rows[0]) if rows else list(header[0])
    filler = [{name: header[0].get(name, rows[0][name] if rows else None) for name in names}]
    table = pa.Table.from_pylist([*filler, *rows], schema=None)
    csv.write_csv(table, folder / "all.csv")


def counts(verdict: dict[str, Any]) -> tuple[int, int, int]:
    part = verdict["tables"]["weather"]
    assert part["accepted"] + part["quarantined"] == part["fetched"]
    return part["fetched"], part["accepted"], part["quarantined"]


def verdict_now() -> dict[str, Any]:
    verdict = dataset.registry().verdict("wind", DAY)
    assert verdict is not None
    return verdict.model_dump()


def published(revision: str = "HEAD") -> pa.Table:
    path = f"wind/data/weather/{DAY}.parquet"
    registry = dataset.registry()
    return registry.read([path], registry.resolve(revision))[path]


def quarantined(delivery: str = "") -> list[dict[str, Any]]:
    """Return the day's rows in quarantine, of one delivery or of all that no accepted one has superseded."""
    registry = dataset.registry()
    listing = registry.git("ls-tree", "-r", "--name-only", "HEAD", f"wind/quarantine/{DAY}/{delivery}").splitlines()
    paths = [line.removesuffix(".dvc") for line in listing]
    return [row for table in registry.read(paths, registry.head()).values() for row in table.to_pylist()]
