"""The table of a replay, and its recommendation."""

from __future__ import annotations

import math

import pytest

from ratchet.replay import table
from ratchet.replay.score import Outcome
from ratchet.reports.replay import Row


def _row(name: str, loss: float, retrainings: int) -> Row:
    return Row(name, loss, (0, 0, 0), 0, retrainings, 0, 0, 0, 0, 0)


def test_what_costs_least_is_recommended() -> None:
    rows = [_row("never", 0.5, 0), _row("few", 0.45, 3), _row("worse", 0.46, 5), _row("many", 0.44, 100)]
    assert table.recommended(rows, 100, 0.0).name == "many"
    assert table.recommended(rows, 100, 0.1).name == "few"
    assert table.recommended(rows, 100, 10.0).name == "never"


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
