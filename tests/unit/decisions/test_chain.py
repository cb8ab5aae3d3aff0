"""The chain of a ledger: any change, loss or exchange of entries is found, and where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ratchet.decisions import chain
from ratchet.errors import LedgerError

REASONS = st.lists(st.text(max_size=5), min_size=2, max_size=8)


def _ledger(reasons: list[str]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for n, reason in enumerate(reasons):
        entries.append(chain.link({"key": f"{n}", "reason": reason}, entries[-1] if entries else None))
    return entries


def _lines(reasons: list[str]) -> list[str]:
    return [chain.line(entry) for entry in _ledger(reasons)]


def _read(lines: list[str]) -> list[dict[str, Any]]:
    return chain.read("".join(f"{line}\n" for line in lines), "wind/ledger.jsonl", "ratchet history wind --verify")


def _broken(lines: list[str]) -> int:
    """Return the number of the entry that is told not to follow the one before it."""
    with pytest.raises(LedgerError) as told:
        _read(lines)
    found = re.match(r"Entry (\d+) of wind/ledger.jsonl does not follow the one before it: ", str(told.value))
    assert found, told.value
    return int(found[1])


@given(st.lists(st.text(max_size=5), max_size=8))
def test_what_was_appended_is_whole(reasons: list[str]) -> None:
    entries = _ledger(reasons)
    assert _read(_lines(reasons)) == entries
    assert all(entry["format"] == chain.FORMAT and entry["signature"] is None for entry in entries)


@given(REASONS, st.data())
def test_an_entry_that_was_changed_or_lost_breaks_the_chain_after_it(reasons: list[str], data: st.DataObject) -> None:
    entries, lines = _ledger(reasons), _lines(reasons)
    at = data.draw(st.integers(0, len(entries) - 2))
    changed = chain.line({**entries[at], "reason": entries[at]["reason"] + "!"})
    assert _broken([*lines[:at], changed, *lines[at + 1 :]]) == at + 2
    assert _broken([*lines[:at], *lines[at + 1 :]]) == at + 1


@given(REASONS, st.data())
def test_any_change_to_any_line_but_the_last_is_found(reasons: list[str], data: st.DataObject) -> None:
    """Whatever stands there instead: another text, one letter, an entry that follows the one before, more than one."""
    lines = _lines(reasons)
    at = data.draw(st.integers(0, len(lines) - 2), label="line")
    line = lines[at]
    place = data.draw(st.integers(0, len(line) - 1), label="place")
    letter = data.draw(st.characters(exclude_categories=["Cs"]), label="letter")
    forged = chain.link({"key": "forged", "reason": "x"}, _ledger(reasons)[at - 1] if at else None)
    changed = data.draw(
        st.one_of(
            st.text(max_size=20),
            st.just(line[:place] + letter + line[place + 1 :]),
            st.just(line[:place] + letter + line[place:]),
            st.just(line[:place] + line[place + 1 :]),
            st.just(chain.line(forged)),
            st.just(f"{chain.line(forged)}\n{line}"),
            st.sampled_from([each for each in lines if each != line]),
        ),
        label="what stands there instead",
    )
    assume(f"{changed}\n".splitlines() != [line])  # other ends of a line end it too
    assert at + 1 <= _broken([*lines[:at], changed, *lines[at + 1 :]]) <= at + 1 + len(f"{changed}\n".splitlines())


@given(REASONS, st.data())
def test_any_loss_of_lines_before_the_last_is_found(reasons: list[str], data: st.DataObject) -> None:
    lines = _lines(reasons)
    lost = data.draw(st.sets(st.integers(0, len(lines) - 2), min_size=1))
    assert _broken([line for n, line in enumerate(lines) if n not in lost]) == min(lost) + 1


@given(REASONS, st.data())
def test_lines_that_changed_places_are_found(reasons: list[str], data: st.DataObject) -> None:
    lines = _lines(reasons)
    exchanged = data.draw(st.permutations(lines))
    assume(exchanged != lines)
    moved = next(n for n, (was, now) in enumerate(zip(lines, exchanged, strict=True), 1) if was != now)
    assert _broken(exchanged) == moved


@pytest.mark.parametrize("written", ["", "{", "null", "1", "[]", '"before"', '["before"]', "{}", '{"before": ""}'])
@pytest.mark.parametrize("at", [0, 1])
def test_a_line_that_is_no_entry_is_told_as_one_that_does_not_follow(written: str, at: int) -> None:
    lines = _lines(["a", "b"])
    assert _broken([*lines[:at], written, *lines[at:]]) == at + 1


def test_what_is_told_names_the_ledger_and_what_says_more() -> None:
    lines = _lines(["a", "b", "c"])
    with pytest.raises(LedgerError) as told:
        _read([lines[0], lines[2]])
    assert str(told.value) == (
        "Entry 2 of wind/ledger.jsonl does not follow the one before it: the ledger was changed after it was written. "
        "Nothing is promoted or scored by it. See: ratchet history wind --verify"
    )
