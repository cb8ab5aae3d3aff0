"""Frames: no value is changed, and a part shows what the whole would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ratchet.adapters import expectations
from ratchet.adapters.expectations.frames import Frames, parted


def test_a_frame_changes_no_value_and_holds_what_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "expectations").mkdir()

    def frame(*given: dict[str, Any]) -> Any:
        content = {"name": "s", "expectations": list(given), "meta": {}}
        (tmp_path / "expectations" / "s.json").write_text(json.dumps(content))
        big, small = pa.array([2**53 + 1, None]), pa.array([2**53, None])
        table = pa.table({"k": [1, 2], "big": big, "small": small, "told": [True, None], "text": ["a", None]})
        return expectations.frame(table, tmp_path, "s", ["k"])

    between = [
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": c}} for c in ("big", "small", "told")
    ]
    found = frame(*between)
    assert [str(kind) for kind in found.dtypes] == ["int64", "Int64", "float64", "boolean"]
    assert found["big"][0] == 2**53 + 1
    assert found["small"][0] == 2**53
    whole = frame({"type": "expect_table_column_count_to_equal", "kwargs": {"value": 5}})
    assert list(whole.columns) == ["k", "big", "small", "told", "text"]


@pytest.mark.parametrize(
    "values",
    [[1, 2, None, 3], [2**53 + 1, 2, None, 3], [True, False, None, True], [1.5, 2.0, None, 3.0], ["a", "b", None, "c"]],
)
def test_a_part_has_the_types_of_the_whole(values: list[Any]) -> None:
    frames = Frames(pa.table({"c": values}), ["c"])
    whole = frames.rows(["c"])
    for start in range(4):
        part = frames.rows(["c"], start, start + 2)
        assert part.equals(whole.iloc[start : start + 2])
        assert list(part.index) == list(range(start, min(start + 2, 4)))
    assert frames.taken(["c"], pa.array([0, 3])).equals(whole.loc[[0, 3]])


def test_columns_whose_parts_differ_from_the_whole_are_known() -> None:
    kinds = {"a": pa.array(["x"]).dictionary_encode(), "b": [[1]], "c": ["x"], "d": [1], "e": [{"f": 1}]}
    table = pa.table(kinds)
    assert [name for name in table.column_names if parted(table.column(name))] == ["c", "d"]
