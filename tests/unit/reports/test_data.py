"""The page that shows a sample."""

from __future__ import annotations

import datetime as dt
import re

import pyarrow as pa
import pytest

from ratchet.data.leaks import Leak
from ratchet.reports import data

EVIL = "<script>alert(1)</script>"
DAYS = [dt.datetime(2024, 3, 1) + dt.timedelta(days=day) for day in range(40) if day != 7]


def _rows(target: pa.Array) -> pa.Table:
    n = len(DAYS)
    return pa.table(
        {
            "at": DAYS,
            "text": [EVIL if i % 2 else "plain" for i in range(n)],
            "number": [None if i % 3 == 0 else 1.5 * i for i in range(n)],
            "empty": pa.nulls(n, pa.float64()),
            "flag": [i % 2 == 0 for i in range(n)],
            "day": [at.date() for at in DAYS],
            "y": target,
        }
    )


@pytest.mark.parametrize("kind", ["number", "text", "some"])
def test_the_page_tells_and_is_escaped(kind: str) -> None:
    values = {
        "number": [i % 5 for i in range(39)],
        "text": [EVIL if i % 2 else "b" for i in range(39)],
        "some": [None if i < 9 else i % 2 for i in range(39)],
    }[kind]
    page = data.render(EVIL, _rows(pa.array(values)), "at", "y", [Leak((EVIL,), "constant", EVIL)])
    assert "<script" not in page
    assert "2024-03-01 to 2024-04-09, 39 days with rows" in page
    assert "33.3%" in page
    assert "week of" in page
    assert not re.search(r"(src|href)=|https?:", page)  # nothing is fetched
