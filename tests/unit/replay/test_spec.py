"""Policies and gates by a short text."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet import catalog
from ratchet.errors import RequestError
from ratchet.replay import spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weekly", "no policy 'weekly'. There is: calendar"),
        ("calendar:days", "not of the form key=value"),
        ("calendar:days=soon", "policies.calendar.days"),
        ("cost_aware", "policies.cost_aware.cost"),
        ("drift:colums=1", "colums"),
    ],
)
def test_a_policy_that_cannot_be_read_is_explained(place: Path, text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        spec.policy(catalog.load("wind"), text)


def test_policies_and_gates_are_read(place: Path) -> None:
    loop = catalog.load("flight_delays")
    found = spec.policy(loop, "drift+calendar:days=3,cooldown_days=0")
    assert found.policies == {"drift": {"columns": 1}, "calendar": {"days": 3}}
    assert found.cooldown_days == 0
    assert spec.policy(loop, "never").policies == {}
    assert spec.policy(loop, "contract") == loop.retrain
    assert spec.gate(loop, "aim=superior,margin=0").aim == "superior"
    with pytest.raises(RequestError, match="a margin belongs to"):
        spec.gate(loop, "aim=superior")
