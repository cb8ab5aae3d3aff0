"""A retraining where columns leave what unchanged days show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions.policies import drift
from tests.given.facts import facts


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.integers(1, 9), st.integers(0, 9))
def test_it_asks_where_enough_columns_drift_over_half_a_window(drifted: list[str], least: int, days: int) -> None:
    found = drift.ask(facts(drifted=drifted, drift_days=days), drift.Options(columns=least))
    assert (found is not None) == (len(drifted) >= least and days >= 4)
    assert found is None or found.endswith(f"on {days} of 7 days")


def test_the_columns_are_named_in_order_and_not_all() -> None:
    found = drift.ask(facts(drifted=list("gfedcba")), drift.Options())
    assert found == "drift: 7 columns beyond the calibrated threshold (a, b, c, d, e, …), on 7 of 7 days"
