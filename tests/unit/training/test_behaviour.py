"""Behavioural tests of a loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import ContractError
from ratchet.training import behaviour
from tests.conftest import rename
from tests.given import rows


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


def test_a_change_is_predicted_before_and_after(place: Path) -> None:
    loop = catalog.load("wind")
    model = rows.breeze(loop)
    windier = behaviour.Behaviour(
        name="windier", row={"origin": "JFK", "wind_now": 5}, change={"wind_now": 20}, expect="higher"
    )
    before, after, expected, tolerance = behaviour.run(model, [windier])["windier"]
    assert after > before + 5
    assert (expected, tolerance) == ("higher", 0.0)
    unknown = windier.model_copy(update={"change": {"wnd_now": 20}})
    with pytest.raises(ContractError, match="names 'wnd_now', which is not a feature"):
        behaviour.run(model, [unknown])
