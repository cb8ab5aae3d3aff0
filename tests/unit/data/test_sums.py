"""Columns whose sum, difference or product a target is."""

from __future__ import annotations

import numpy as np
import pytest

from ratchet.data import sums

DRAWS = np.random.default_rng(3)
PARTS = {name: DRAWS.uniform(1, 9, 500) for name in ("a", "b", "c", "d", "e", "f", "g")}


def test_a_sum_and_a_difference_are_named() -> None:
    assert sums.total(PARTS, PARTS["a"] + PARTS["c"] - PARTS["d"]) == ("a + c - d", ("a", "c", "d"))
    assert sums.total(PARTS, PARTS["c"] / 60 - PARTS["a"] / 60)[0] == "c - a, times 0.01667,"
    assert sums.total(PARTS, 2 * PARTS["a"] - 0.5 * PARTS["b"])[0] == "2 * a - 0.5 * b"


def test_a_product_and_a_ratio_are_named() -> None:
    assert sums.product(PARTS, PARTS["a"] * PARTS["b"])[0] == "a * b"
    assert sums.product(PARTS, PARTS["a"] / PARTS["b"] * 3)[0] == "a / b"


def test_a_copy_beside_the_parts_does_not_hide_them() -> None:
    twice = {**PARTS, "copy": 2 * PARTS["a"]}
    assert len(sums.total(twice, PARTS["a"] + PARTS["b"])[1]) == 2


@pytest.mark.parametrize("goal", [DRAWS.normal(size=500), sum(PARTS.values()), np.ones(500), PARTS["a"]])
def test_noise_a_sum_of_many_and_a_constant_are_none(goal: np.ndarray) -> None:
    assert sums.total(PARTS, goal)[1] == ()


def test_too_few_rows_show_nothing() -> None:
    few = {name: values[:30] for name, values in PARTS.items()}
    assert sums.total(few, few["a"] + few["b"])[1] == ()
