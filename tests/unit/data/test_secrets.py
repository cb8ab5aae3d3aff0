"""The names by which a contract speaks of what it may not hold."""

from __future__ import annotations

import pytest

from ratchet.data import secrets
from ratchet.errors import ContractError, SourceError


def test_names_are_found_however_deep() -> None:
    options = {
        "database": "x://${RATCHET_SOURCE_USER}:${RATCHET_SOURCE_PASSWORD}@${HOME}",
        "tables": [{"url": "${RATCHET_SOURCE_USER}"}, 3, None],
        "${RATCHET_SOURCE_KEY}": "keys are no values",
    }
    assert secrets.named(options) == ["RATCHET_SOURCE_PASSWORD", "RATCHET_SOURCE_USER"]


def test_a_name_stands_for_what_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_KEY", "secret")
    assert secrets.value("RATCHET_SOURCE_KEY", "source.options.key") == "secret"
    monkeypatch.delenv("RATCHET_SOURCE_KEY")
    with pytest.raises(
        SourceError, match=r"source.options.key names RATCHET_SOURCE_KEY, .* ratchet_source_key"
    ) as caught:
        secrets.value("RATCHET_SOURCE_KEY", "source.options.key")
    assert caught.value.retriable
    with pytest.raises(ContractError, match="HOME"):
        secrets.value("HOME", "source.options.key")


def test_a_text_is_filled_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_SOURCE_KEY", "a/b c")
    assert secrets.filled("x ${RATCHET_SOURCE_KEY} $y {z}", "f") == "x a/b c $y {z}"
    assert secrets.filled("${RATCHET_SOURCE_KEY}!", "f", str.upper) == "A/B C!"
    assert secrets.masked("a/b c, a%2Fb%20c, a%2Fb+c, a/b", ["a/b c", ""]) == "***, ***, ***, a/b"
