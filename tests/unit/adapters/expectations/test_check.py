"""Great Expectations: which rows break what."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ratchet.adapters import expectations
from ratchet.errors import ContractError


def _suite(folder: Path, *expectations: dict[str, Any]) -> Path:
    (folder / "expectations").mkdir()
    (folder / "expectations" / "mine.json").write_text(json.dumps({"expectations": expectations}))
    return folder


def test_what_the_key_implies_is_checked_row_by_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 1, None, 2], "b": [1, 1, 1, 1]})
    check = expectations.validate(frame, _suite(tmp_path), "mine", ["a", "b"])
    pair = "expect_compound_columns_to_be_unique(a, b)"
    assert check.broken == {0: [pair], 1: [pair], 2: ["expect_column_values_to_not_be_null(a)"]}
    page = expectations.render(check)
    assert "Evaluated Expectations" in page
    assert "Data asset: mine" in " ".join(re.sub("<[^>]*>", " ", page).split())  # it was None


def test_a_critical_expectation_parts_rows_refuses_tables_and_a_lesser_one_warns(tmp_path: Path) -> None:
    below = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "max_value": 5}}
    count = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 9}, "severity": "critical"}
    low = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "x", "max_value": 1}, "severity": "warning"}
    folder = _suite(tmp_path, {**below, "severity": "critical"}, count, low)
    check = expectations.validate(pd.DataFrame({"x": [1, 6, 7]}), folder, "mine", ["x"])
    assert set(check.broken) == {1, 2}
    assert check.refused == ["expect_table_row_count_to_be_between(): observed 3"]
    assert len(check.warnings) == 1
    assert check.warnings[0].startswith("expect_column_mean_to_be_between(x): 4.6")


@pytest.mark.parametrize("broken", [{"kwargs": {"column": "k"}}, "expect_nothing"])
def test_what_is_no_expectation_is_great_expectations_to_refuse(tmp_path: Path, broken: Any) -> None:
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "s.json").write_text(json.dumps({"name": "s", "expectations": [broken], "meta": {}}))
    found = expectations.frame(pa.table({"k": [1], "x": [2]}), tmp_path, "s", ["k"])
    assert list(found.columns) == ["k", "x"]
    with pytest.raises(ContractError, match="Mend the suite"):
        expectations.validate(found, tmp_path, "s", ["k"])
