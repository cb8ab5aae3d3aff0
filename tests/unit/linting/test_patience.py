"""A patience that no duel ends within."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import needed
from ratchet.decisions.needed import Needed
from ratchet.linting import patience
from tests.given.contracts import gated


def _loop(place: Path, gate: str) -> Loop:
    path = place / "loops" / "wind" / "loop.yaml"
    path.write_text(gated(path.read_text(), *gate.split("\n  ")))
    return catalog.load("wind")


@pytest.mark.parametrize(
    ("gate", "wrong"),
    [
        ("level: 0.05\n  patience_days: 4", True),  # 5 days of evidence with the holdout's, and 6 are needed
        ("level: 0.05\n  patience_days: 5", False),
        ("level: 0.05\n  patience_days: 5\n  cluster: week", True),
        ("level: 0.05\n  patience_days: 4\n  aim: non_inferior\n  margin: 0.1", False),  # of which bound, is not known
        ("level: 0.05\n  patience_days: 4\n  aim: non_inferior\n  margin: 0.1\n  bound: 9", True),
        ("level: 0.05\n  patience_days: 4\n  aim: non_inferior\n  margin: 0.1\n  bound: 0.3", False),
    ],
)
def test_it_is_held_to_the_fewest_days_that_a_duel_needs(place: Path, gate: str, wrong: bool) -> None:
    assert bool([*patience.mistakes(_loop(place, gate))]) == wrong


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("level: 0.3\n  aim: non_inferior\n  margin: 1\n  bound: 9\n  patience_days: 4", "patience_days: 4"),
        ("level: 0.3\n  aim: non_inferior\n  margin: 1\n  bound: 9", "margin: 1"),
    ],
)
def test_what_is_too_short_by_the_loops_own_days_is_told_at_its_line(place: Path, gate: str, line: str) -> None:
    loop = _loop(place, gate)
    by = needed.by_contract(loop)
    assert by is not None
    found = Needed(by, fewest=2, history=20, own=True, median=40, most=60)
    (error,) = patience.too_short(loop, found)
    path = loop.folder / "loop.yaml"
    number = 1 + path.read_text().partition(line)[0].count("\n")
    assert str(error) == f"{path}:{number}: {needed.words(loop, found)}"
    assert [*patience.too_short(loop, Needed(by, fewest=2, history=20, own=True, median=5, most=60))] == []


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("level: 0.05\n  aim: non_inferior", ""),
        ("level: 0.05\n  aim: non_inferior\n  cluster: week", ""),
        ("level: 0.05\n  aim: superior\n  patience_days: 5", ""),
        (
            "level: 0.05\n  aim: non_inferior\n  patience_days: 5",
            "two models that are equal on every day need 7 days to hold within 5% of the loss at level 0.05, and a "
            "patience of 5 days leaves 6 days, so that only one that is better is ever promoted. Make patience_days at "
            "least 6, or the margin wider",
        ),
        (
            "level: 0.05\n  margin: 0.1\n  bound: 1\n  aim: non_inferior",
            "need 32 days to hold within 0.1 at level 0.05, and a patience of 28 days leaves 29 days, so that only one "
            "that is better is ever promoted. Make patience_days at least 31, or the margin wider: with 0.4 it is 7",
        ),
        ("level: 0.05\n  margin: 0.0001\n  bound: 1\n  aim: non_inferior", "need more than ten years to hold within"),
        (
            "level: 0.05\n  cluster: week\n  patience_days: 28\n  aim: non_inferior",
            "equal on every week need 7 weeks to hold within 5% of the loss at level 0.05, and a patience of 28 days "
            "leaves 5 weeks, so that only one that is better is ever promoted. Make patience_days at least 48, or",
        ),
    ],
)
def test_a_patience_in_which_equal_models_are_not_decided_is_told(place: Path, gate: str, words: str) -> None:
    told = [*patience.remarks(_loop(place, gate))]
    assert len(told) == bool(words)
    assert all(words in each for each in told)
