"""`ratchet approve` and `ratchet reject`: an answer is written, and carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import environment
from ratchet.contract.loop import Loop
from ratchet.lifecycle import ledger
from tests.conftest import step
from tests.given.duels import NAME, NIGHT, ask, champion_now, kinds
from tests.unit.cli.conftest import Ratchet
from tests.unit.lifecycle.test_approval import asked

__all__ = ["asked"]


@pytest.fixture
def won(second: str, tmp_path: Path) -> str:
    """A challenger that has won, and waits for ada or bob; return its run."""
    ask(second, tmp_path / "copy")
    step("refit", NAME, run="second", until=NIGHT)
    return second


def test_an_approval_is_carried_out(won: str, ratchet: Ratchet) -> None:
    code, out, _ = ratchet("approve", NAME, "second", "--by", "ada")
    assert code == 0
    told = out.splitlines()
    assert told[0] == f"{NAME} second: approved by ada, as {environment.user()} says"
    assert told[1].startswith(f"v{champion_now()} is the champion, replacing v2")
    assert kinds()[-2:] == ["answered", "promoted"]
    again = ratchet("approve", NAME, "second", "--by", "ada")
    assert (again[0], "(answered before)" in again[1]) == (0, True)
    code, out, err = ratchet("reject", NAME, "second", "--by", "bob")
    assert (code, out) == (2, "")
    assert "was answered before, and the first answer stays: approved by ada" in err
    assert kinds()[-2:] == ["answered", "promoted"]


def test_a_rejection_is_carried_out(won: str, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "user", lambda: "bob")
    code, out, _ = ratchet("reject", NAME, "second")
    assert (code, out.splitlines()[0]) == (0, f"{NAME} second: rejected by bob")
    assert kinds()[-2:] == ["answered", "rejected"]
    assert champion_now() == "2"


def test_an_answer_that_cannot_be_carried_out_now_stands(
    asked: Loop, ratchet: Ratchet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setattr("ratchet.adapters.runs._PATIENCE", 0.0)
    code, out, err = ratchet("approve", "wind", "first", "--by", "ada")
    assert code != 0
    assert out.startswith("wind first: approved by ada")
    assert "The answer stands. To carry it out: ratchet step promote --loop wind --run first" in err
    assert ledger.read(asked)[-1].kind == "answered"


def test_who_may_not_is_told_who_may(asked: Loop, ratchet: Ratchet) -> None:
    code, _, err = ratchet("approve", "wind", "first")
    assert code == 2
    assert "gate.approval names ada, bob" in err
