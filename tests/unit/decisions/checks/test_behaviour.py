"""How a prediction has to answer to a change of its row."""

from __future__ import annotations

import math

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.behaviour import behaviour, judge


def test_each_direction_has_its_tolerance() -> None:
    results = {
        "up": (0.2, 0.5, "higher", 0.0),
        "flat": (0.2, 0.21, "same", 0.02),
        "down": (0.2, 0.4, "lower", 0.0),
        "odd": (0.2, math.nan, "same", 1.0),
    }
    assert [check.passed for check in behaviour(results)] == [True, True, False, False]


def test_what_is_stored_as_a_list_is_judged() -> None:
    (check,) = judge(Gate(), {"behaviour": {"up": [1.0, 0.5, "higher", 0.0]}})
    assert (check.name, check.passed, check.number) == ("up", False, -0.5)
    assert "1.0000 becomes 0.5000, expected higher" in check.text


def test_a_test_shows_the_bound_that_it_judges_by() -> None:
    results = {way: (0.0, 1.0, way, 0.25) for way in ("same", "higher", "lower")}
    assert [(check.low, check.high) for check in behaviour(results)] == [(-0.25, 0.25), (-0.25, None), (None, 0.25)]
