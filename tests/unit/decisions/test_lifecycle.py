"""What has become of a loop's models, and how a win goes on."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.decisions import lifecycle, retrain
from tests.given.entries import entry

NIGHT = "2013-01-20"
CROWNED = [entry("promoted", "first", version="1", day="2013-01-01")]


REPLACED = [*CROWNED, entry("promoted", "second", version="2", replaces="1", champion="1", day="2013-01-10")]


@pytest.mark.parametrize(("verdict", "kind"), [("retrain", "requested"), ("veto", "vetoed")])
def test_what_a_night_asks_for_is_written_down(verdict: Any, kind: str) -> None:
    admission = retrain.Admission(verdict, "drift", "drift__v1__2013-01-20")
    (found,) = lifecycle.admitted(admission, NIGHT, "1")
    assert (found.kind, found.key, found.reason) == (kind, f"{kind}:{NIGHT}", "drift")
    assert lifecycle.admitted(retrain.Admission("wait", "nothing asks"), NIGHT, "1") == ()


WON = entry("won", "new", champion="1", line="recipe.0", recipe="recipe", night=NIGHT, first=None)


def test_a_refusal_is_of_the_run_that_was_judged() -> None:
    found = lifecycle.refused(WON, "rejected by ada", approval={"answer": "Reject"})
    assert (found.key, found.evaluated, found.line, found.champion) == ("rejected:new", "new", "recipe.0", "1")


@pytest.mark.parametrize(
    ("champion", "approval", "words"),
    [
        ("1", None, ""),
        ("1", {"answer": "Approve", "by": "ada"}, ""),
        ("1", {"answer": "Reject", "by": "ada"}, "rejected by ada"),
        ("1", {"answer": "Reject", "by": None}, "nobody answered within 24 hours"),
        ("2", None, "v2 has become champion since"),
    ],
)
def test_what_came_in_between_forbids_a_promotion(champion: str, approval: dict[str, Any] | None, words: str) -> None:
    entries = [*CROWNED, entry("promoted", "other", version="2", champion="1")] if champion == "2" else CROWNED
    found = lifecycle.forbidden(entries, WON, approval, 24)
    assert (found is None) == (not words)
    assert words in (found.reason if found else "")


def test_a_promotion_carries_the_decision_on_and_teaches_nothing_twice() -> None:
    won = WON.model_copy(update={"first": {"day": NIGHT}, "minutes": 3.0, "reason": "has won: by days"})
    made = lifecycle.promoted(won, "2", mlflow_run="refit", minutes=1.0)
    assert (made.key, made.version, made.replaces, made.mlflow_run) == ("promoted:new", "2", "1", "refit")
    assert (made.line, made.night, made.first, made.minutes) == (won.line, NIGHT, None, 1.0)
    older = won.model_copy(update={"reason": "promoted: by days"})  # as a win said before it was one
    assert [lifecycle.promoted(each, "2").reason for each in (won, older)] == ["promoted: by days"] * 2
    assert [lifecycle.asked(each) for each in (won, older)] == ["to be promoted: by days"] * 2


def test_the_state_of_a_run_is_read_from_the_ledger() -> None:
    assert lifecycle.champion([]) is None
    assert lifecycle.champion([*REPLACED, entry("rolled_back", version="1", left="2")]) == "1"
    assert lifecycle.champion([*REPLACED, entry("lost", version="1")]) == "2"
    lost = [*REPLACED, entry("lost", version="1"), entry("lost", version="2", vacant=True)]
    assert lifecycle.champion(lost) is None
    assert lifecycle.champion([*lost, entry("promoted", "third", version="3")]) == "3"
    assert lifecycle.won([WON], "new") == WON
    for end in (entry("rejected", "new"), entry("promoted", "new", version="2"), entry("left", "new")):
        assert lifecycle.won([WON, end], "new") is None
    assert lifecycle.judged([entry("waiting", "new"), WON], "new").kind == "waiting"
    told = [lifecycle.verdict(entry(kind, "new")) for kind in ("won", "promoted", "waiting", "rejected")]
    assert told == ["promote", "promote", "wait", "reject"]


def test_the_run_that_a_version_was_judged_by_is_in_the_ledger() -> None:
    entries = [entry("promoted", "first", version="2", evaluated="judged")]
    assert lifecycle.evaluated(entries, "2") == "judged"
    assert lifecycle.evaluated(entries, "1") is None
