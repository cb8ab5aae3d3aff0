"""A ledger is proved, over all its history, with what it rests on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ratchet import catalog, cli
from ratchet.adapters import writing
from ratchet.adapters.data_registry import Registry, fact_path
from ratchet.decisions import chain
from ratchet.errors import DataError, LedgerError
from ratchet.lifecycle import dataset, ledger, verification
from tests.given.entries import entry

LEDGER = "wind/ledger.jsonl"


@pytest.fixture
def decided(place: Path) -> Registry:
    """Three entries, the last of which rests on a fact."""
    registry = dataset.registry()
    for number in range(3):
        with writing.held(registry) as writer:
            grounds = {"c": {"night.json": "{}"}} if number == 2 else {}
            ledger.write(writer, catalog.load("wind"), [entry("asked", key="abc"[number], reason="now")], grounds)
    return registry


def _forge(registry: Registry, text: str) -> None:
    """Commit a ledger as somebody would who has the registry's files."""
    tip = registry.objects.write(registry.head(), {LEDGER: text.encode()}, "Nothing to see")
    registry.objects.move(registry.head(), tip)


def _text(registry: Registry) -> str:
    return registry.text(LEDGER) or ""


def test_one_that_is_whole(decided: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert verification.verify(decided, "wind") == verification.Proof(entries=3, commits=3, facts=1)
    cli.main(["history", "wind", "--verify"])
    assert "3 entries, each follows the one before it; 3 commits" in capsys.readouterr().out


def test_none_at_all_is_whole(place: Path) -> None:
    assert verification.verify(dataset.registry(), "wind") == verification.Proof(0, 0, 0)


def test_an_entry_that_was_changed_is_named_with_the_commit_that_did_it(decided: Registry) -> None:
    before = decided.head()
    _forge(decided, _text(decided).replace("now", "never", 1))
    with pytest.raises(LedgerError, match=r"Entry 2 of wind/ledger\.jsonl does not follow") as caught:
        verification.verify(decided, "wind")
    for told in (decided.head()[:10], "Nothing to see", f"update-ref refs/heads/main {before}"):
        assert told in str(caught.value)


def test_an_entry_that_was_added_by_another_hand_is_found(decided: Registry) -> None:
    _forge(decided, _text(decided) + json.dumps({"kind": "asked", "key": "d", "before": "0" * 64}) + "\n")
    with pytest.raises(LedgerError, match="Entry 4"):
        verification.verify(decided, "wind")


def test_the_last_entries_taken_away_leave_a_whole_chain_and_are_found_all_the_same(decided: Registry) -> None:
    _forge(decided, "".join(f"{line}\n" for line in _text(decided).splitlines()[:2]))
    assert len(chain.read(_text(decided), LEDGER, "")) == 2
    with pytest.raises(LedgerError, match="takes entries away"):
        verification.verify(decided, "wind")


def test_a_fact_that_was_changed_is_found(decided: Registry) -> None:
    (digest,) = {digest for each in decided.ledger("wind") for digest in each.facts.values()}
    tip = decided.objects.write(decided.head(), {fact_path("wind", digest, ".json"): b"{ }"}, "Nothing to see")
    decided.objects.move(decided.head(), tip)
    with pytest.raises(DataError, match="is not what it was"):
        verification.verify(decided, "wind")
