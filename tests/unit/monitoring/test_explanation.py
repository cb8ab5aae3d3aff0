"""Why a loss has risen: the slices that explain it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import DataError
from ratchet.monitoring import explanation
from ratchet.monitoring.explanation import Explanation, Side, explain
from ratchet.monitoring.slices import Column

LEVELS = (3, 12, 20)


def _drawn(
    rng: np.random.Generator, days: int, rows: int, worse: float = 0.0, more: float = -1.0, all_worse: float = 0.0
) -> tuple[Side, list[np.ndarray]]:
    """Draw days that differ, whose levels differ, whose losses are skewed; a level gets worse, or bigger, or all do.

    worse: what the loss of level 1 of the first column is raised by, as a share. more: share of rows that become of its
    level 2, whose loss is then three times the others'.
    """
    day_of, losses, codes = [], [], [list[np.ndarray]() for _ in LEVELS]
    for day in range(days):
        count = int(rng.lognormal(math.log(rows), 0.3)) + 10
        mean = np.full(count, (1 + all_worse) * np.exp(rng.normal(0, 0.1)))
        for place, levels in enumerate(LEVELS):
            shares = rng.dirichlet(60 / np.arange(1, levels + 1))
            if place == 0:
                shares = np.append(shares[:-1] * (1 - max(more, 0)), 1 - shares[:-1].sum() * (1 - max(more, 0)))
            level = rng.choice(levels, count, p=shares / shares.sum())
            codes[place].append(level)
            mean *= np.exp(np.linspace(-0.2, 0.2, levels)[level] + rng.normal(0, 0.05, levels)[level])
            if place == 0:
                mean *= np.where(level == 1, 1 + worse, 1) * np.where((level == 2) & (more >= 0), 3, 1)
        losses.append(mean * rng.exponential(1, count))
        day_of += [f"2024-01-{day + 1:02d}"] * count
    return Side(np.array(day_of), np.concatenate(losses)), [np.concatenate(each) for each in codes]


def _life(rng: np.random.Generator, days: tuple[int, int], rows: int, **planted: float) -> Explanation:
    usual = {"more": 0.0} if "more" in planted else {}
    (before, then), (after, now) = _drawn(rng, days[0], rows, **usual), _drawn(rng, days[1], rows, **planted)
    columns = [
        Column(f"c{n}", tuple(f"c{n}={level}" for level in range(levels)), then[n], now[n])
        for n, levels in enumerate(LEVELS)
    ]
    return explain(before, after, columns)


@pytest.mark.parametrize(("days", "rows"), [((7, 7), 60), ((7, 14), 300), ((14, 7), 300), ((4, 4), 300)])
def test_where_nothing_has_changed_at_most_one_life_in_twenty_names_a_slice(days: tuple[int, int], rows: int) -> None:
    """All intervals of a life hold at once in 95 % of lives: of 60 drawn at most 8 miss, in 99 % of such tests."""
    rng, lives = np.random.default_rng(0), 60
    found = [_life(rng, days, rows) for _ in range(lives)]
    named = sum(any(each.stands_out for each in life.slices) for life in found)
    missed = 0
    for life in found:
        numbers = [number for each in life.slices for number in (each.rise, each.beyond, each.mix) if number]
        missed += not all(number.low <= 0 <= number.high for number in numbers)
    assert named <= 3
    assert missed <= 8
    assert sum(not life.rise.low <= 0 <= life.rise.high for life in found) <= 8


def test_where_all_got_worse_alike_no_slice_stands_out() -> None:
    rng = np.random.default_rng(1)
    found = [_life(rng, (7, 14), 300, all_worse=0.5) for _ in range(20)]
    assert sum(life.rise.low > 0 for life in found) >= 18
    assert sum(any(each.stands_out for each in life.slices) for life in found) <= 2


def test_the_slice_that_got_worse_is_found_with_its_share() -> None:
    rng, shares = np.random.default_rng(2), []
    for _ in range(20):
        life = _life(rng, (7, 14), 600, worse=1.0)
        first = life.standing("worse")[0]
        assert first.name == "c0=1"
        assert first.rise is not None
        assert 0.4 < first.rise.value < 1.8
        assert {each.column for each in life.slices if each.stands_out} == {"c0"}
        shares.append(first.rate / life.rise.value)
    assert np.median(shares) == pytest.approx(1.0, abs=0.3)


def test_rows_that_became_more_are_told_as_more_rows_and_not_as_worse() -> None:
    rng, told, worse = np.random.default_rng(3), 0, 0
    for _ in range(20):
        life = _life(rng, (7, 14), 600, more=0.4)
        assert "c0" not in {each.column for each in life.standing("worse")}
        worse += bool(life.standing("worse"))
        told += "c0=2" in [each.name for each in life.standing("more")]
        grown = next(each for each in life.slices if each.name == "c0=2")
        assert grown.mix.value > 2 * abs(grown.rate)
    assert told >= 18
    assert worse <= 1


def _side(codes: list[list[int]], losses: list[list[float]]) -> tuple[Side, np.ndarray]:
    days = np.array([f"{day}" for day, each in enumerate(codes) for _ in each])
    return Side(days, np.array([loss for each in losses for loss in each])), np.concatenate(codes).astype(np.int64)


_SIDES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e4)), min_size=1, max_size=30), min_size=3, max_size=6
)


@given(_SIDES, _SIDES)
def test_what_the_slices_of_a_column_add_sums_to_the_rise(
    before: list[list[tuple[int, float]]], after: list[list[tuple[int, float]]]
) -> None:
    """A slice may be on one side alone, or on neither, on every day or on one."""
    (then, theirs), (now, ours) = (
        _side([[code for code, _ in day] for day in side], [[loss for _, loss in day] for day in side])
        for side in (before, after)
    )
    found = explain(then, now, [Column("x", tuple("abcde"), theirs, ours)])
    assert sum(each.part for each in found.slices) == pytest.approx(found.rise.value, abs=1e-7)
    daily = [np.mean([np.mean([loss for _, loss in day]) for day in side]) for side in (before, after)]
    assert found.losses == pytest.approx(daily)
    assert found.rise.value == pytest.approx(daily[1] - daily[0], abs=1e-7)
    for each in found.slices:
        assert math.isfinite(each.mix.low)
        assert each.mix.low <= each.mix.value <= each.mix.high
    assert explanation.dump(found)["rise"]["value"] == found.rise.value


def test_a_level_that_is_new_adds_by_its_share() -> None:
    rng = np.random.default_rng(4)
    before = [[0] * 50 for _ in range(7)]
    after = [[0] * 50 + [1] * (45 + day) for day in range(7)]
    sides = [
        _side(side, [rng.normal(1, 0.1, len(day)) + 2 * np.array(day) for day in side]) for side in (before, after)
    ]  # type: ignore[misc]
    found = explain(sides[0][0], sides[1][0], [Column("x", ("x=old", "x=new"), sides[0][1], sides[1][1])])
    new = next(each for each in found.slices if each.name == "x=new")
    assert (new.losses[0], new.rise, new.beyond, new.stands_out) == (None, None, None, "more")
    assert new.rate == 0
    assert found.rise.value == pytest.approx(1.0, abs=0.1)


def test_of_few_days_nothing_is_said() -> None:
    few, codes = _side([[0], [1]], [[1.0], [2.0]])
    enough, others = _side([[0], [1], [0]], [[1.0], [2.0], [1.0]])
    with pytest.raises(DataError, match="the holdout has 2, and 3 days are needed"):
        explain(few, enough, [Column("x", ("a", "b"), codes, others)])
    with pytest.raises(DataError, match="the latest days with labels are 2, and 3"):
        explain(enough, few, [Column("x", ("a", "b"), others, codes)])
