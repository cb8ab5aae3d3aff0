"""The ledger of a loop: every decision, a line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet import catalog
from ratchet.decisions import lifecycle, shadows
from ratchet.lifecycle import dataset, ledger
from tests.given.entries import entry


def test_an_entry_is_written_once_a_key_and_signed(place: Path) -> None:
    loop, registry = catalog.load("wind"), dataset.registry()
    with registry.writer() as writer:
        assert ledger.write(writer, loop, entry("vetoed", key="k", reason="x"))
        head = registry.head()
        assert not ledger.write(writer, loop, entry("vetoed", key="k", reason="y"))
        assert registry.head() == head
        challenger = shadows.Challenger("r", "m", "l", "2013-01-01", "1")
        for _ in range(2):
            ledger.write(writer, loop, lifecycle.left(challenger, "out of time"))
    first, second = ledger.read(loop)
    assert (first.key, first.reason, second.kind, second.mlflow_run) == ("k", "x", "left", "m")
    assert first.by
    assert first.at.endswith("+00:00")
    assert registry.git("log", "-2", "--format=%s").splitlines() == [
        "Let a challenger of wind go",
        "Veto a retraining of wind",
    ]


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
