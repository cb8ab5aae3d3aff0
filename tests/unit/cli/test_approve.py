"""`ratchet approve` and `ratchet reject`."""

from __future__ import annotations

import pytest

from ratchet.contract.loop import Loop
from ratchet.lifecycle import ledger
from tests.unit.cli.conftest import Ratchet
from tests.unit.lifecycle.test_approval import asked

__all__ = ["asked"]


@pytest.mark.parametrize(("command", "said"), [("approve", "approved by ada"), ("reject", "rejected by ada")])
def test_an_answer_says_what_comes_next(asked: Loop, ratchet: Ratchet, command: str, said: str) -> None:
    code, out, _ = ratchet(command, "wind", "first", "--by", "ada")
    assert code == 0
    assert out.startswith(f"wind first: {said}\n")
    assert "ratchet step promote --loop wind --run first" in out
    assert ledger.read(asked)[-1].kind == "answered"
    assert "(answered before)" in ratchet("approve", "wind", "first", "--by", "bob")[1]


def test_who_may_not_is_told_who_may(asked: Loop, ratchet: Ratchet) -> None:
    code, _, err = ratchet("approve", "wind", "first")
    assert code == 2
    assert "gate.approval names ada, bob" in err
