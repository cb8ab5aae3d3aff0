"""Suites: files, what a key implies, and which columns are looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.adapters import expectations
from ratchet.adapters.expectations import suite as suites
from ratchet.errors import ContractError


def _suite(folder: Path, *expectations: dict[str, Any]) -> Path:
    (folder / "expectations").mkdir()
    (folder / "expectations" / "mine.json").write_text(json.dumps({"expectations": expectations}))
    return folder


@pytest.mark.parametrize(("text", "words"), [(None, "There is no suite"), ("{", "not an expectation suite")])
def test_a_suite_that_is_none_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    folder = _suite(tmp_path)
    if text is None:
        (folder / "expectations" / "mine.json").unlink()
    else:
        (folder / "expectations" / "mine.json").write_text(text)
    with pytest.raises(ContractError, match=words):
        expectations.read_suite(folder, "mine")


def test_a_key_implies_that_it_is_there_and_comes_once() -> None:
    assert [each["type"] for each in suites.of_key(["a"])] == [
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_unique",
    ]
    assert suites.of_key(["a", "b"])[-1]["kwargs"]["column_list"] == ["a", "b"]


def test_what_names_no_column_may_look_at_all() -> None:
    named = {"type": "expect_column_values_to_be_null", "kwargs": {"column": "b"}}
    assert suites.looked_at([named], ["a", "b"]) == ["b"]
    assert suites.looked_at([named, {"type": "expect_what_nobody_knows", "kwargs": {}}], ["a", "b"]) == ["a", "b"]
    assert suites.looked_at([{**named, "kwargs": {"column": "b", "row_condition": "a > 1"}}], ["a", "b"]) == ["a", "b"]
