"""Entries of a ledger: what is written is read, and what does not fit stops decisions."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.decisions import entries
from ratchet.errors import LedgerError
from tests.conftest import ROOT
from tests.given.entries import TYPES, entry


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_what_is_written_is_read(kind: str) -> None:
    made = entry(kind, "drift__v1__2013-01-10", reason="because")
    line = entries.line(made)
    assert line["kind"] == kind
    assert entries.parse([line]) == [made]
    assert entries.only([made, entry("asked")], type(made))[0] == made


def test_a_line_holds_what_was_said_and_no_more() -> None:
    line = entries.line(entry("rolled_back", key="k", version="1", left="2"))
    assert line == {"key": "k", "kind": "rolled_back", "version": "1", "from": "2", "mlflow_run": ""}


def test_what_the_anchor_said_is_read_back() -> None:
    terms = {"loss": "log_loss", "cluster": "day", "margin": 0.01, "bound": 0.05, "level": 0.05}
    numbers = {"difference": -0.1, "low": -0.2, "high": 0.0, "clusters": 3, "evidence": {"for": 3.0}}
    made = entry("won", "new", against={"name": "baseline:first", "terms": terms, **numbers})
    assert entries.parse([entries.line(made)]) == [made]
    assert "against" not in entries.line(entry("won", "new"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "crowned"}, "crowned"),
        ({"kind": None}, "kind"),
        ({"version": None}, "version"),
        ({"crown": "gold"}, "crown"),
    ],
)
def test_what_does_not_fit_is_told_and_stops_decisions(change: dict[str, Any], words: str) -> None:
    good = entries.line(entry("promoted", version="1"))
    with pytest.raises(LedgerError, match=f"Entry 2 of wind/ledger.jsonl.*{words}"):
        entries.parse([good, {**good, **change}], "wind/ledger.jsonl")


def test_the_page_about_the_life_of_a_model_says_what_each_kind_is() -> None:
    page = (ROOT / "docs" / "lifecycle.md").read_text()
    assert [kind for kind in TYPES if f"`{kind}`" not in page] == []
