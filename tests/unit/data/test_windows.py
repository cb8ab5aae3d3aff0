"""The days of a training: which to train on, and which to hold out."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.contract.loop import Loop, Training
from ratchet.data import windows
from ratchet.errors import DataError, RequestError
from ratchet.partitions import days_between, parse, shift

PUBLISHED = parse("2013-01-01..2013-02-28")


def _loop(window: int | Literal["expanding"], holdout: int, delay: int) -> Loop:
    loop = catalog.load("flight_delays")
    training = Training(window=window, holdout_days=holdout)
    return loop.model_copy(update={"training": training, "label_delay_days": delay})


@given(st.sets(st.sampled_from(PUBLISHED)), st.one_of(st.just("expanding"), st.integers(8, 40)), st.integers(0, 5))
def test_what_is_held_out_is_later_than_what_is_trained_on_and_labelled(
    published: set[str], window: int | Literal["expanding"], delay: int
) -> None:
    loop, until = _loop(window, 7, delay), "2013-02-20"
    last = shift(until, -delay)
    known = [day for day in sorted(published) if day <= last and (window == "expanding" or shift(day, window) > last)]
    if len(known) <= 7:
        with pytest.raises(DataError, match="Ingest more days" if published else "Nothing of .* is published yet"):
            windows.window(loop, sorted(published), until)
        return
    train, held = windows.window(loop, sorted(published), until)
    assert [*train, *held] == known
    assert len(held) == 7
    assert window == "expanding" or days_between(train[0], last) < window


def test_by_default_it_ends_with_what_is_published() -> None:
    assert windows.window(_loop("expanding", 3, 1), PUBLISHED[:10], "")[1] == PUBLISHED[6:9]
    with pytest.raises(RequestError):
        windows.window(_loop("expanding", 3, 1), PUBLISHED, "soon")


def test_before_anything_is_published_it_is_said_so() -> None:
    with pytest.raises(DataError, match=r"Nothing of flight_delays is published yet.* ratchet start flight_delays"):
        windows.window(_loop(20, 7, 1), [], "")
