"""The chain of a ledger: any change, loss or exchange of entries is found, and where."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ratchet.decisions import chain


def _ledger(reasons: list[str]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for n, reason in enumerate(reasons):
        entries.append(chain.link({"key": f"{n}", "reason": reason}, entries[-1] if entries else None))
    return entries


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8))
def test_what_was_appended_is_whole(reasons: list[str]) -> None:
    entries = _ledger(reasons)
    assert chain.broken(entries) is None
    assert all(entry["format"] == chain.FORMAT and entry["signature"] is None for entry in entries)


@given(st.lists(st.text(max_size=5), min_size=2, max_size=8), st.data())
def test_an_entry_that_was_changed_or_lost_breaks_the_chain_after_it(reasons: list[str], data: st.DataObject) -> None:
    entries = _ledger(reasons)
    at = data.draw(st.integers(0, len(entries) - 2))
    changed = [*entries[:at], {**entries[at], "reason": entries[at]["reason"] + "!"}, *entries[at + 1 :]]
    assert chain.broken(changed) == at + 1
    assert chain.broken([*entries[:at], *entries[at + 1 :]]) == at
