"""Question: what the ledger holds, and nothing that was sent along."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.lifecycle import approval
from tests.conftest import step
from tests.given.duels import NAME, NIGHT, live_night, renew, win, write_gate


def test_a_question_is_asked_once_and_says_what_was_decided(second: str, tmp_path: Path) -> None:
    write_gate(tmp_path / "copy", "approval: [ada, bob]")
    renew("second")
    live_night()
    win(second)
    decided = step("duel", NAME, partition=NIGHT)
    found = step("question", NAME, run="second")
    assert found.subject == f"Promote a challenger of {NAME}?"
    assert (found.approvers, found.mlflow_run, found.report) == (("ada", "bob"), second, decided.report)
    assert decided.reason in found.summary
    approval.record(catalog.load(NAME), "second", approval.Said("Reject", "ada", "airflow"))
    again = step("question", NAME, run="second")
    assert (again.outcome, again.reason) == ("skipped", "answered before: rejected by ada")
    step("promote", NAME, run="second")
    assert step("question", NAME, run="second").outcome == "skipped"
