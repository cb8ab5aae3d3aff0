"""The table of a replay, and its recommendation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ratchet.replay import table
from ratchet.replay.score import Outcome
from ratchet.reports.replay import Row


def _row(name: str, loss: float, retrainings: int, at_most: float | None = None) -> Row:
    return Row(name, loss, (0, 0, 0), 0, retrainings, 0, 0, 0, 0, 0, at_most=at_most)


def test_what_costs_least_is_recommended() -> None:
    rows = [
        _row("never", 0.5, 0),
        _row("few", 0.45, 3, -0.03),
        _row("worse", 0.46, 5, -0.02),
        _row("many", 0.44, 100, -0.04),
    ]
    assert table.recommended(rows, 100, 0.0).name == "many"
    assert table.recommended(rows, 100, 0.1).name == "few"
    assert table.recommended(rows, 100, 10.0).name == "never"


def test_the_present_policy_stays_unless_another_is_proved_to_cost_less() -> None:
    """`few` is better by chance perhaps; with a price of retraining `many`, which is better, costs more."""
    rows = [_row("present", 0.47, 10), _row("few", 0.45, 3, 0.001), _row("many", 0.44, 100, -0.02)]
    assert table.recommended(rows, 100, 0.0).name == "many"
    assert table.recommended(rows, 100, 0.1).name == "few"  # seven retrainings less are certain
    assert table.recommended([rows[0], _row("few", 0.45, 10, 0.001)], 100, 0.1).name == "present"
    assert table.cheapest([rows[0], _row("few", 0.45, 10, 0.001)], 100, 0.1).name == "few"


def test_of_two_nights_nothing_is_proved_and_the_present_policy_stays() -> None:
    rows = [_row("better", 0.1, 3, math.nan), _row("present", 0.5, 3)]
    assert table.recommended(rows, 2, 0.0).name == "present"


def test_of_many_policies_that_are_no_better_none_is_recommended() -> None:
    """Twenty that differ from the present one by chance alone: one of them is the least, as a rule by far."""
    rng = np.random.default_rng(3)

    def outcome(name: str, losses: np.ndarray) -> Outcome:
        nights = tuple({"night": f"n{i}", "loss": x, "rows": 10, "decided": "wait"} for i, x in enumerate(losses))
        return Outcome(name, "contract", nights, 0, 0, 1.0, ())

    wrong = 0
    for _ in range(100):
        tried = [outcome(f"p{i}", 0.5 + np.repeat(0.01 * rng.standard_normal(45), 7)) for i in range(21)]
        wrong += table.recommended(table.rows(tried, [0.5]), 315, 0.0).name != "p0"
    assert wrong <= 10


def test_rows_are_sorted_and_compared_with_the_first() -> None:
    def outcome(name: str, losses: list[float], asked: int) -> Outcome:
        nights = tuple(
            {"night": f"n{i}", "loss": loss, "rows": 10, "decided": "retrain" if i < asked else "wait"}
            for i, loss in enumerate(losses)
        )
        return Outcome(name, "contract", nights, 0, 0, 1.0, ())

    first, better = outcome("first", [0.5, 0.6, 0.5], 0), outcome("better", [0.4, 0.5, 0.5], 2)
    best, last = table.rows([first, better], [0.5, 0.45, 0.44])
    assert (best.name, last.name) == ("better", "first")
    assert best.gap[0] == pytest.approx(-0.2 / 3)
    assert math.isnan(last.gap[0])
    assert best.regret == pytest.approx(1.4 / 3 - 0.44)
    assert best.total == pytest.approx(1.4)


def test_each_policy_is_told_in_the_contracts_own_unit() -> None:
    def outcome(name: str, costs: list[float]) -> Outcome:
        nights = tuple(
            {"night": f"2013-01-0{i}", "loss": 1.0, "cost": cost, "rows": 10, "decided": "wait"}
            for i, cost in enumerate(costs, 1)
        )
        return Outcome(name, "contract", nights, 0, 0, 1.0, ())

    first, better = outcome("first", [5.0, 6.0, 5.5]), outcome("better", [4.0, 5.0, 5.5])
    one, other = table.rows([first, better], [1.0], "minutes")
    assert (one.unit, one.week, one.saved) == ("minutes", pytest.approx(5.5 * 70), None)
    assert other.week == pytest.approx(14.5 / 3 * 70)
    assert other.saved is not None
    assert other.saved[0] == pytest.approx(2 / 3 * 70)
    assert other.saved[1] < other.saved[0] < other.saved[2]
    bare, _ = table.rows([first, better], [1.0])
    assert (bare.unit, bare.week, bare.saved) == ("", None, None)
