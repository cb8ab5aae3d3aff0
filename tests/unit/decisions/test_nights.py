"""The order of nights is a function of facts: what is open, what has ended, what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions import nights
from ratchet.decisions.nights import MOST_MADE_UP, Open, State
from ratchet.partitions import shift
from tests.given.entries import entry

FIRST = "2013-01-10"


def _day(n: int) -> str:
    return shift(FIRST, n)


def _asked(day: str, key: str) -> Any:
    return entry("requested", partition=day, evidence=key)


@given(st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_a_night_waits_for_every_open_one_before_it_and_for_none_after(opened: set[int], asked: int) -> None:
    found = nights.before(_day(asked), "mine", [Open(_day(n), "mine") for n in opened], [])
    assert [night.partition for night in found] == [_day(n) for n in sorted(opened) if n < asked]


def test_a_second_run_of_a_night_waits_for_the_first() -> None:
    opened = [Open(FIRST, "first")]
    assert nights.before(FIRST, "second", opened, []) == opened
    assert nights.before(FIRST, "first", opened, []) == []
    assert nights.before(FIRST, "", opened, []) == []  # scoring and monitoring belong to whoever has it


@pytest.mark.parametrize("kind", ["promoted", "rejected", "waiting", "approval_asked"])
def test_a_training_counts_to_the_night_that_asked_for_it_until_it_is_judged(kind: str) -> None:
    opened = [Open(FIRST, "run", training="drift__v1__2013-01-10")]
    entries = [_asked(FIRST, "drift__v1__2013-01-10")]
    assert nights.before(_day(1), "", opened, entries) == opened
    entries.append(entry(kind, "drift__v1__2013-01-10"))
    assert nights.before(_day(1), "", opened, entries) == []


@given(st.sets(st.integers(0, 60), min_size=1), st.integers(0, 120))
def test_what_is_missing_are_the_nights_since_the_last_that_is_known(known: set[int], asked: int) -> None:
    found = nights.missing(_day(asked), [_day(n) for n in known])
    earlier = [n for n in known if n < asked]
    assert list(found.days) == ([_day(n) for n in range(max(earlier) + 1, asked)] if earlier else [])
    assert found.made_up == (0 < len(found.days) <= MOST_MADE_UP)
    assert set(found.runs) == (set(found.days) if found.made_up else set())


@pytest.mark.parametrize(
    ("state", "later_ended", "later_open", "again"),
    [
        ("published", False, False, False),
        ("refused", False, False, True),
        ("given_up", False, False, True),
        ("rested", True, False, False),
        ("given_up", False, True, False),
    ],
)
def test_a_night_that_failed_is_lived_again_until_a_later_one_has_begun(
    state: State, later_ended: bool, later_open: bool, again: bool
) -> None:
    ended: dict[str, State] = {FIRST: state} | ({_day(1): "published"} if later_ended else {})
    opened = [Open(_day(2), "run")] if later_open else []
    assert nights.may_begin(FIRST, ended, opened) is again
    assert nights.may_decide(FIRST, ended, opened) is again


def test_a_night_that_was_never_opened_may_decide_until_a_later_one_is_over() -> None:
    """A day of the first import that comes again is a correction: the night that knows it decides on it."""
    assert nights.may_decide(FIRST, {}, [])
    assert nights.may_decide(FIRST, {}, [Open(_day(5), "run")])
    assert not nights.may_decide(FIRST, {_day(5): "published"}, [])
    assert not nights.may_begin(FIRST, {_day(5): "rested"}, [])
    assert nights.may_decide(FIRST, {FIRST: "published"}, [Open(FIRST, "run")])


def test_a_training_and_its_night_find_each_other() -> None:
    entries = [_asked(FIRST, "a"), _asked(_day(3), "b")]
    assert nights.asked(_day(3), entries) == "b"
    assert nights.asked(_day(1), entries) == ""
    assert nights.night_of("a", entries) == FIRST
    assert nights.night_of("by hand", entries) == ""
