"""Answer: at the command line, for whom the system knows."""

from __future__ import annotations

import pytest

from ratchet import environment, steps
from ratchet.contract.loop import Loop
from ratchet.errors import RequestError
from ratchet.lifecycle import ledger
from ratchet.steps import answer
from tests.unit.lifecycle.test_approval import asked

__all__ = ["asked"]


def _last(loop: Loop) -> tuple[str, str, str, str]:
    found = ledger.read(loop)[-1]
    assert found.kind == "answered"
    return found.answer, found.responder, found.known, found.reason


def test_the_command_line_answers_for_the_systems_user_and_marks_what_is_claimed(
    asked: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match=r"may not approve a promotion of wind; gate.approval names ada, bob"):
        answer.run(asked, steps.ask("answer", {"run": "first", "answer": "Approve"}))
    monkeypatch.setattr(environment, "user", lambda: "ada")
    monkeypatch.setenv("LOGNAME", "the CEO")
    assert answer.run(asked, steps.ask("answer", {"run": "first", "answer": "Approve"})).by == "ada"
    assert _last(asked)[1:3] == ("ada", "system")


def test_a_name_that_is_given_is_claimed(asked: Loop) -> None:
    answer.run(asked, steps.ask("answer", {"run": "first", "answer": "Approve", "by": "ada"}))
    assert _last(asked)[1:] == ("ada", "claimed", f"approved by ada, as {environment.user()} says")


def test_who_has_asked_for_the_training_does_not_approve_it_by_a_claim_either(asked: Loop) -> None:
    found = answer.run(asked, steps.ask("answer", {"run": "first", "answer": "Approve", "by": "bob"}))
    assert (found.answer, found.reason) == ("Reject", "bob has asked for the training, and may not approve it")


@pytest.mark.parametrize("by", ["the CEO", "a\nb", "--result=x", "../x", "x" * 65])
def test_a_name_that_is_no_login_is_refused(asked: Loop, by: str) -> None:
    with pytest.raises(RequestError, match="by: "):
        steps.ask("answer", {"run": "first", "answer": "Approve", "by": by})
