"""What is too good to be true wants a person's word."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.contract.rules import Gate
from ratchet.decisions import gate
from ratchet.decisions.checks.too_good import judge

SUM: dict[str, Any] = {"names": ["casual", "registered"], "model": False, "words": "casual + registered is count"}
ALONE: dict[str, Any] = {"names": ["ended"], "model": False, "words": "ended has one value for each value of late"}
MODEL: dict[str, Any] = {"names": ["ended"], "model": True, "words": "its R² on 480 held-out rows is 0.99990"}
BLIND: dict[str, Any] = {**MODEL, "names": []}


def _first(*findings: dict[str, Any]) -> dict[str, Any]:
    return {"champion": None, "too_good": findings, "champion_too_good": None}


def test_at_the_first_gate_it_forbids_and_says_what_to_do() -> None:
    (check,) = judge(Gate(), _first(SUM))
    assert (check.name, check.passed) == ("too good: casual, registered", False)
    assert "casual + registered is count; if these are known before the prediction, say so" in check.text
    assert "gate.accept: [casual, registered]; else take them out of features.sql" in check.text
    decided = gate.decide([check], None)
    assert decided.verdict == "reject"
    assert decided.reason.startswith("rejected: casual, registered is too good to be true")
    assert gate.facts(decided)["failed"] == ["too good: casual, registered"]


def test_each_finding_is_a_check_of_its_own() -> None:
    found = judge(Gate(accept=("ended",)), _first(SUM, ALONE, BLIND))
    assert [(each.name, each.passed) for each in found] == [
        ("too good: casual, registered", False),
        ("too good: ended", True),
        ("too good: model", False),
    ]
    assert "gate.accept says that it is right" in found[1].text
    assert "gate.accept: [too_good]" in found[2].text


@pytest.mark.parametrize(
    ("finding", "accept", "passes"),
    [
        (SUM, (), False),
        (SUM, ("casual",), False),  # with it known, the other is the answer
        (SUM, ("casual", "registered"), True),
        (SUM, ("too_good",), False),  # that is said of the model
        (MODEL, ("too_good",), True),
        (MODEL, ("ended",), True),  # it is what the model is so good by
        (MODEL, ("casual",), False),
        (BLIND, (), False),
        (BLIND, ("too_good",), True),
    ],
)
def test_a_persons_word_is_about_what_it_names(finding: dict[str, Any], accept: tuple[str, ...], passes: bool) -> None:
    (check,) = judge(Gate(accept=accept), _first(finding))
    assert check.passed == passes


@pytest.mark.parametrize(
    ("champions", "finding", "passes"),
    [
        ([], SUM, False),  # new: the champion has nothing of it
        ([SUM], SUM, True),
        ([ALONE], SUM, False),
        ([SUM], ALONE, False),
        ([SUM], MODEL, False),
        ([BLIND], MODEL, True),
        (None, SUM, True),  # a champion of which nobody has looked goes on
    ],
)
def test_what_the_champion_lives_with_is_not_new(champions: Any, finding: dict[str, Any], passes: bool) -> None:
    (check,) = judge(Gate(), {"champion": "3", "too_good": (finding,), "champion_too_good": champions})
    assert check.passed == passes


@pytest.mark.parametrize("found", [{}, {"too_good": None}, {"too_good": ()}])
def test_a_loop_of_which_nothing_was_found_has_no_check_more(found: dict[str, Any]) -> None:
    assert judge(Gate(), found) == []
