"""Whoever can call the champion can call the challenger."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.signature import judge, signature

inputs = st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["number", "category"]))


@given(inputs, inputs)
def test_a_challenger_needs_nothing_that_the_champion_does_not(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert signature(ours, theirs, ("binary", "binary")).passed == (ours.items() <= theirs.items())
    assert not signature(ours, {**theirs, **ours}, ("binary", "regression")).passed


def test_what_is_missing_is_named() -> None:
    more = signature({"a": "number", "c": "number"}, {"a": "number"}, ("binary", "binary"))
    assert "needs c (number)" in more.text


def test_it_is_asked_where_there_is_a_champion_and_the_gate_wants_it() -> None:
    ours = {"inputs": {"new": "number"}, "outputs": ["x"]}
    theirs = {"inputs": {}, "outputs": ["x"]}
    assert [check.passed for check in judge(Gate(), {"signatures": [ours, theirs]})] == [False]
    assert judge(Gate(), {"signatures": [ours]}) == []
    assert judge(Gate(signature="any"), {"signatures": [ours, theirs]}) == []
