"""What the ledger says of a training, under its own loop and key."""

from __future__ import annotations

import pytest

from ratchet.contract.loop import Loop
from ratchet.errors import RequestError
from ratchet.lifecycle import ledger, verdicts
from tests.unit.lifecycle.test_approval import RUN, asked

__all__ = ["asked"]


def test_a_run_is_known_by_its_key(asked: Loop) -> None:
    assert verdicts.judged(asked, "first") == verdicts.judged(asked, "first", RUN) == RUN
    assert verdicts.said(ledger.read(asked), RUN) == "it won"


def test_another_run_under_that_key_is_refused(asked: Loop) -> None:
    with pytest.raises(RequestError, match="is not what was judged for wind under the key 'first'"):
        verdicts.judged(asked, "first", "b" * 32)
    with pytest.raises(RequestError, match="Nothing of wind was judged under the key 'second'"):
        verdicts.judged(asked, "second", RUN)
