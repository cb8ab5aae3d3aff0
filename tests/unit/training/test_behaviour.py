"""Behavioural tests of a loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import ContractError
from tests.conftest import rename


def test_one_that_cannot_be_read_is_named(place: Path) -> None:
    name = rename(place, "wind", "wind_behaviour")
    path = place / "loops" / name / "loop.yaml"
    path.write_text(path.read_text().replace("gate:\n", "gate:\n  behaviour: tests.yaml\n", 1))
    tests = path.with_name("tests.yaml")
    for text, words in (
        (None, "does not exist"),
        ("- {name: a}", "field required"),
        ("{", "not a YAML list"),
        ("- &a {name: a, row: {}, change: {x: 1}, expect: same}\n- *a", "two tests are named"),
    ):
        if text is not None:
            tests.write_text(text)
        with pytest.raises(ContractError, match=words):
            catalog.load(name)
        path.touch()
