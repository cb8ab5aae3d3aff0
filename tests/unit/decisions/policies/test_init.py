"""All policies of a loop together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions import policies
from ratchet.decisions.policies.facts import NightFacts


@given(st.permutations(["zeal", "calendar", "drift", "anger", "degradation", "cost_aware"]))
def test_a_person_comes_first_and_the_loops_own_come_last(order: list[str]) -> None:
    asking = {name: lambda facts, name=name: f"{name} asks" for name in order}
    found = policies.causes(NightFacts("2013-02-10", "1", asked=["ada (x)", "bob (y)"]), asking)
    assert [name for name, _ in found] == [
        "request",
        "degradation",
        "drift",
        "cost_aware",
        "calendar",
        "anger",
        "zeal",
    ]
    assert found[0][1] == "asked for by ada (x); bob (y)"


def test_who_says_nothing_is_no_cause() -> None:
    assert policies.causes(NightFacts("2013-02-10", "1"), {"drift": lambda _: None, "own": lambda _: ""}) == []
