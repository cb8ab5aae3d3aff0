"""The verdict on a delivery: frozen where it fits, told where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from ratchet.decisions.deliveries import parse
from ratchet.errors import DataError

TABLE = {"fetched": 60, "accepted": 58, "quarantined": 2, "broke": {"unique": 2}, "notes": [], "hash": "ab"}
KEPT = {"partition": "2013-01-05", "delivery": "cd", "status": "accepted", "reason": "", "tables": {"weather": TABLE}}


def test_a_verdict_is_read_as_it_was_written_and_is_frozen() -> None:
    found = parse(json.dumps(KEPT), "wind/verdicts/2013-01-05.json")
    assert found.model_dump() == KEPT
    assert found.quarantined == 2
    with pytest.raises(ValidationError):
        found.status = "rejected"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"status": "fine"}, "status"), ({"tables": {"weather": {"fetched": 1}}}, "accepted"), ({"more": 1}, "more")],
)
def test_one_that_does_not_fit_names_file_and_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(DataError, match=rf"wind/verdicts/x\.json .*{field}.*ingest that day again"):
        parse(json.dumps({**KEPT, **changes}), "wind/verdicts/x.json")


def test_what_is_cut_off_is_told() -> None:
    with pytest.raises(DataError, match="all of it"):
        parse(json.dumps(KEPT)[:-20], "x")
