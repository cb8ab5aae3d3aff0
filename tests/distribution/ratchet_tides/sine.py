"""A source: a tide that is a sine of the hour, so that what a model should find is known."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from ratchet.api import Asked, Part

if TYPE_CHECKING:
    import pyarrow as pa


class Options(Part):
    """harbour: its name. height: of the tide, in metres."""

    harbour: str
    height: float = 3.0


def fetch(options: Options, asked: Asked) -> dict[str, pa.Table]:
    """Deliver some days: a row an hour."""
    import pyarrow as pa

    moments = [dt.datetime.combine(day, dt.time(hour)) for day in asked.days for hour in range(24)]
    levels = [
        options.height * math.sin(moment.hour * math.pi / 6.2)
        + (moment.toordinal() * 7919 + moment.hour * 104729) % 97 / 970
        for moment in moments
    ]
    return {
        "tides": pa.table(
            {
                "measured_at": pa.array(moments, pa.timestamp("us")),
                "harbour": [options.harbour] * len(moments),
                "level": levels,
            }
        )
    }
