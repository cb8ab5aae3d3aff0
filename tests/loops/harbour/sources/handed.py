"""A source: what was handed over for a day lies in a file of its own; where there is none the day had no rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.api import Part

if TYPE_CHECKING:
    import pyarrow as pa


class Options(Part):
    """None."""


def fetch(options: Options, day: dt.date, folder: Path) -> dict[str, pa.Table]:
    """Deliver a day."""
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / "handed" / f"{day}.parquet"
    if path.exists():
        return {"locks": parquet.read_table(path)}
    types = {"opened_at": pa.timestamp("us"), "lock": pa.int64(), "level": pa.float64(), "draught": pa.float64()}
    return {"locks": pa.schema([*types.items(), ("flow", pa.float64())]).empty_table()}
