"""Since when each delivery was known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.partitions import shift
from ratchet.replay.known import first_known


def _came(*days: int) -> list[tuple[str, str]]:
    return [(f"commit{i}", f"2013-01-{day:02d}") for i, day in enumerate(days)]


def _days(found: list[str]) -> list[int]:
    return [int(night[-2:]) for night in found]


@pytest.mark.parametrize(
    ("came", "known"),
    [
        ((1, 2, 3), (1, 2, 3)),  # each from its own night
        ((1, 2, 4, 3, 5), (1, 2, 4, 5, 5)),  # the third came late
        ((1, 2, 1, 3), (1, 2, 3, 3)),  # the first was corrected
        ((1, 5, 9), (1, 5, 9)),  # nothing came in between
    ],
)
def test_where_no_night_was_lived_days_are_known_as_they_came(came: tuple[int, ...], known: tuple[int, ...]) -> None:
    assert tuple(_days(first_known(_came(*came), {}))) == known


def test_a_night_that_was_lived_says_what_it_knew() -> None:
    came = _came(1, 2, 3, 1, 4, 2)
    lived = {"2013-01-03": "commit2", "2013-01-04": "commit4"}
    assert _days(first_known(came, lived)) == [1, 2, 3, 4, 4, 5]


def test_a_correction_between_the_publication_and_the_end_of_a_night_is_known_from_the_next() -> None:
    came = _came(1, 2, 1, 3)
    lived = {"2013-01-01": "commit0", "2013-01-02": "commit1", "2013-01-03": "commit3"}
    assert _days(first_known(came, lived)) == [1, 2, 3, 3]


@given(st.lists(st.integers(1, 28), min_size=1, max_size=20))
def test_nothing_is_known_before_its_day_nor_out_of_order(days: list[int]) -> None:
    came = _came(*days)
    known = first_known(came, {})
    assert known == sorted(known)
    newest = ""
    for (_, day), night in zip(came, known, strict=True):
        assert night >= day
        assert night in (day, shift(newest, 1) if newest else day)
        newest = max(newest, day)
