"""How the page about a decision names its sides."""

from __future__ import annotations

import re

import pytest

from ratchet.decisions.duel import NOTHING, Gathered
from ratchet.lifecycle.records import Record
from ratchet.reports import parties
from ratchet.reports.parties import Back
from tests.given.evaluations import training

ABOUT = Record(run="0123456789abcdef", key="night-2013-02-09")
CHALLENGER, FIRST = training("one", []).evaluation, training("one", None).evaluation
BACK = Back("anchor", "1", "3")


@pytest.mark.parametrize(
    ("judged", "title", "who"),
    [
        (CHALLENGER, "challenger night-2013-02-09 against the champion v1", "challenger"),
        (FIRST, "challenger night-2013-02-09 against the baseline", "challenger"),
        (BACK, "anchor v1 against the champion v3", "anchor"),
    ],
)
def test_both_sides_are_named(judged: parties.Evaluation | Back, title: str, who: str) -> None:
    assert parties.title(ABOUT, judged) == title
    assert parties.who(judged) == who


def test_what_was_trained_without_a_key_is_named_by_its_run() -> None:
    """Records of 0.1 have none."""
    assert parties.title(Record(run=ABOUT.run), FIRST) == "challenger 0123456789 against the baseline"


@pytest.mark.parametrize(
    ("judged", "held", "anchored", "said"),
    [
        (CHALLENGER, NOTHING, False, "the champion v1, the model in use."),
        (CHALLENGER, Gathered((), "2"), True, "the champion v1, the model in use, and against the anchor, v2."),
        (FIRST, Gathered((), "baseline:x"), True, "the baseline, which knows no more than what is usual."),
        (BACK, NOTHING, False, "The anchor v1 against the champion v3, the model in use."),
    ],
)
def test_it_is_said_when_and_by_which_look(
    judged: parties.Evaluation | Back, held: Gathered, anchored: bool, said: str
) -> None:
    words = parties.words(ABOUT, judged, held, "first look", anchored)
    assert said in words
    by = ": " if isinstance(judged, Back) else ", by the "
    assert re.search(rf"\. Decided on \d{{4}}-\d\d-\d\d \d\d:\d\d UTC{by}first look$", words)


def test_a_baseline_is_called_so() -> None:
    assert [parties.against(Gathered((), name)) for name in ("baseline:x", "2")] == ["baseline", "anchor"]
