"""One check: a number beside its bounds."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions.checks.check import within

bounds = st.one_of(st.none(), st.floats(-9, 9))


@given(st.one_of(st.none(), st.floats()), bounds, bounds)
def test_a_number_passes_within_its_bounds_and_nowhere_else(
    value: float | None, low: float | None, high: float | None
) -> None:
    check = within("x", value, low=low, high=high)
    finite = value is not None and math.isfinite(value)
    assert check.passed == (finite and (low is None or value >= low) and (high is None or value <= high))
    assert (check.number, check.low, check.high) == (value if finite else None, low, high)
    assert check.text.startswith("x is ")


def test_what_is_undefined_is_told_in_the_callers_words() -> None:
    assert within("x", math.nan, low=0, undefined="nobody knows").text == "nobody knows"
