"""Question: what the ledger holds, and nothing that was sent along."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.decisions import lifecycle
from ratchet.lifecycle import approval, ledger
from ratchet.text import markdown_escape
from tests.conftest import step
from tests.given.duels import NAME, ask


def test_a_question_is_asked_once_and_says_what_was_decided(second: str, tmp_path: Path) -> None:
    decided = ask(second, tmp_path / "copy")
    found = step("question", NAME, run="second")
    assert found.subject == f"Promote the challenger second of {NAME}?"
    assert (found.approvers, found.mlflow_run, found.report) == (("ada", "bob"), second, decided.report)
    told = markdown_escape(f"to be promoted: {decided.reason.removeprefix('has won: ')}")
    assert found.summary.startswith(f"**Promote**: {told}")
    assert [each.run for each in lifecycle.unanswered(ledger.read(catalog.load(NAME)))] == ["second"]
    approval.record(catalog.load(NAME), "second", approval.Said("Reject", "ada", "airflow"))
    again = step("question", NAME, run="second")
    assert (again.outcome, again.reason) == ("unchanged", "answered before: rejected by ada")
    assert lifecycle.unanswered(ledger.read(catalog.load(NAME))) == []
    step("promote", NAME, run="second")
    assert step("question", NAME, run="second").outcome == "skipped"
