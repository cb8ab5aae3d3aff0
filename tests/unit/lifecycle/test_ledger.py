"""The ledger of a loop: every decision, a line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.decisions import lifecycle, shadows
from ratchet.decisions.entries import Paused
from ratchet.lifecycle import contracts, dataset, ledger
from tests.given.entries import entry


def test_an_entry_is_written_once_a_key_and_signed(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with registry.writer() as writer:
        (written,) = ledger.write(writer, loop, [entry("vetoed", key="k", reason="x")])
        head = registry.head()
        assert ledger.write(writer, loop, [entry("vetoed", key="k", reason="y")]) == []
        assert registry.head() == head
        challenger = shadows.Challenger("r", "m", "l", "2013-01-01", "1")
        for _ in range(2):
            ledger.write(writer, loop, [lifecycle.left(challenger, "out of time")])
    first, second = ledger.read(loop)
    assert (first.key, first.reason, second.kind, second.mlflow_run) == ("k", "x", "left", "m")
    assert (written.at, written.by, written.contract) == (first.at, first.by, first.contract)
    assert first.by
    assert first.at.endswith("+00:00")
    assert registry.git("log", "-2", "--format=%s").splitlines() == [
        "Let a challenger of wind go",
        "Veto a retraining of wind",
    ]


def test_entries_are_written_all_or_none_in_one_commit_with_what_they_rest_on(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    several = [entry("vetoed", key="a", reason="x"), entry("asked", key="b", reason="y"), entry("asked", key="c")]
    grounds = {"a": {"night.json": "{}", "report.html": "<p>a</p>"}, "b": {"night.json": "{}"}}
    with registry.writer() as writer:
        before = registry.head()
        ledger.write(writer, loop, several[1:2])
        assert len(ledger.write(writer, loop, several, grounds)) == 2
    assert registry.git("rev-list", "--count", f"{before}..HEAD").strip() == "2"
    assert not registry.git("status", "--porcelain").strip()
    second, first, third = ledger.read(loop)
    assert (first.kind, second.kind, third.key) == ("vetoed", "asked", "c")
    assert registry.fact("wind", first.facts["night.json"]) == "{}"
    assert registry.fact("wind", first.facts["report.html"], ".html") == "<p>a</p>"
    assert second.facts == {}  # it was there before, and what it rests on with it
    assert {each.contract for each in (first, second, third)} == {contracts.take(loop)}
    message = registry.git("log", "-1", "--format=%B").strip()
    assert message == "Veto a retraining of wind\n\nx\n\nAsk for a retraining of wind:"


def test_a_person_is_heard_once_for_each_time(place: Path) -> None:
    loop = catalog.load("wind")
    for _ in range(2):
        ledger.say(loop, Paused, "a storm")
    assert [(each.key, each.reason) for each in ledger.read(loop)] == [("paused:0", "a storm"), ("paused:1", "a storm")]


def _changes(steps: list[bool]) -> tuple[list[Any], list[list[str]]]:
    """Promote, or roll back where one can; return the entries, and the stack of champions after each."""
    entries: list[Any] = []
    stack: list[str] = []
    stacks = []
    for promote in steps:
        if promote or len(stack) < 2:
            stack.append(str(sum(each.kind == "promoted" for each in entries) + 1))
            entries.append(entry("promoted", version=stack[-1]))
        else:
            stack.pop()
            entries.append(entry("rolled_back", version=stack[-1]))
        stacks.append(list(stack))
    return entries, stacks


@given(st.lists(st.booleans(), min_size=1))
def test_what_was_rolled_back_from_is_not_restored_by_the_next_rollback(steps: list[bool]) -> None:
    entries, stacks = _changes(steps)
    for count, stack in enumerate(stacks, 1):
        assert ledger._before(entries[:count], stack[-1]) == (stack[-2] if len(stack) > 1 else None)


@pytest.mark.parametrize("kind", ["waiting", "requested", "left"])
def test_only_promotions_and_rollbacks_change_the_champion(kind: str) -> None:
    entries, _ = _changes([True, True, False])
    assert ledger.champions([*entries, entry(kind)]) == entries
