"""`ratchet schema`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Ratchet


def test_schema(place: Path, ratchet: Ratchet) -> None:
    code, out, _ = ratchet("schema")
    assert code == 0
    assert json.loads(out)["title"] == "Loop"
    assert ratchet("schema", "--output", str(place / "schema.json"))[0] == 0
    assert json.loads((place / "schema.json").read_text()) == json.loads(out)
