"""No delivery in the window of a training was rejected."""

from __future__ import annotations

from ratchet.contract.rules import Gate
from ratchet.decisions.checks.data import judge


def test_a_rejected_delivery_forbids_and_is_named() -> None:
    (passed,) = judge(Gate(), {"unaccepted": {}})
    assert passed.passed
    (broken,) = judge(Gate(), {"unaccepted": {"2013-01-15": "late", "2013-01-14": "broken"}})
    assert (broken.passed, broken.number, broken.high) == (False, 2, 0)
    assert "2013-01-14: broken; 2013-01-15: late" in broken.text
