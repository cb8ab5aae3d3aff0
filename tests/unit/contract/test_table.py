"""A table's columns: what they may be called, and what of them is known when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.contract.table import Table

GIVEN: dict[str, Any] = {
    "key": ["at", "place"],
    "time": "at",
    "suite": "wind",
    "columns": {"at": "timestamp", "place": "string", "speed": "float64", "told_at": "timestamp", "born": "date"},
}


@pytest.mark.parametrize("column", ["my column", "_ratchet_x", "1st"])
def test_a_column_has_a_plain_name(column: str, place: Path) -> None:
    document = catalog.load("wind").model_dump()
    document["tables"]["weather"]["columns"][column] = "string"
    with pytest.raises(ValidationError, match="letters, digits and _ only"):
        Loop.model_validate(document)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": ["at", "plce"]}, "key names the column 'plce', which is not under columns"),
        ({"time": "place"}, "time names the column 'place', which must be a timestamp"),
        ({"known_at": "speed"}, "known_at names 'speed', which is no timestamp under columns"),
        ({"date_format": {"speed": "%d"}}, "'speed', which is neither a timestamp nor a date"),
    ],
)
def test_what_a_table_names_is_among_its_columns_and_fits(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Table(**{**GIVEN, **changes})
    assert words in str(caught.value)


def test_a_column_may_be_known_later_and_be_written_in_a_format_of_its_own() -> None:
    columns = {**GIVEN["columns"], "speed": {"type": "float64", "known_at": "told_at"}}
    table = Table(**{**GIVEN, "columns": columns, "date_format": {"born": "%d.%m.%Y"}})
    assert (table.columns["speed"], table.known) == ("float64", {"speed": "told_at"})
    assert (table.format_of("born"), table.format_of("at")) == ("%d.%m.%Y", None)
