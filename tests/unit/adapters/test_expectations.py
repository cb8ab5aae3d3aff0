"""Great Expectations: which rows break what."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ratchet.adapters import expectations
from ratchet.errors import ContractError


def test_the_projects_suites_open_as_a_file_context() -> None:
    import shutil
    import tempfile

    import great_expectations as gx
    from tests.conftest import ROOT

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "great_expectations", Path(folder) / "great_expectations")
        context = gx.get_context(mode="file", context_root_dir=str(Path(folder) / "great_expectations"))
        assert {suite.name for suite in context.suites.all()} >= {"flights", "weather"}
        assert len(context.suites.get("flights").expectations) == 15


def _suite(folder: Path, *expectations: dict[str, Any]) -> Path:
    (folder / "expectations").mkdir()
    (folder / "expectations" / "mine.json").write_text(json.dumps({"expectations": expectations}))
    return folder


def test_what_the_key_implies_is_checked_row_by_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 1, None, 2], "b": [1, 1, 1, 1]})
    check = expectations.validate(frame, _suite(tmp_path), "mine", ["a", "b"])
    pair = "expect_compound_columns_to_be_unique(a, b)"
    assert check.broken == {0: [pair], 1: [pair], 2: ["expect_column_values_to_not_be_null(a)"]}
    assert "Evaluated Expectations" in expectations.render(check)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'></td>"


def test_what_was_delivered_is_text_on_its_page(tmp_path: Path) -> None:
    """It stood there as it came, in the origin of Airflow's UI; and the page loaded scripts of other people's hosts."""
    frame = pd.DataFrame({"key": [1, 2, 3], HOSTILE: [HOSTILE, "a", "javascript:alert(1)"]})
    among = {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": HOSTILE, "value_set": ["a", HOSTILE[:9]]},
    }
    found = expectations.render(expectations.validate(frame, _suite(tmp_path, among), "mine", ["key"]))
    for tag in ("<script", "<img", "<link", "<iframe", "<form", "http:", "https:", 'href="javascript'):
        assert tag not in found, tag
    assert not re.search("<[^>]* onerror", found)
    assert {link[0] for link in re.findall('href="([^"]*)"', found)} <= {"#"}
    assert not re.search("<[^>]*onerror", found)
    assert "alert(1)" in found
    assert "1 unexpected" in found or "2 unexpected" in found


@pytest.mark.parametrize(
    "value", ["<svg><style>", "<math><mtext></p><style>", "<plaintext>", "<!--", "<title>", "</body>"]
)
def test_a_delivered_value_spoils_nothing_of_its_page(tmp_path: Path, value: str) -> None:
    """What opened an element that is taken away took the rest of the page with it, or made text of it."""
    among = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "c", "value_set": ["a"]}}
    folder = _suite(tmp_path, {**among, "severity": "warning"})

    def page(text: str) -> list[str]:
        frame = pd.DataFrame({"k": [1, 2], "c": [text, "a"]})
        found = expectations.render(expectations.validate(frame, folder, "mine", ["k"]))
        return re.findall("<(/?[a-z0-9]+)", found) if text != value else [*re.findall("<(/?[a-z0-9]+)", found), found]

    *tags, found = page(value)
    assert tags == page("plain")
    assert html.escape(value, quote=False) in found


@pytest.mark.parametrize(
    "value", [HOSTILE, "<img src=x onerror=alert(1)>", "</td></table></div>", "<plaintext>", "a<b"]
)
def test_what_is_markup_alone_is_read_on_its_page_and_changes_nothing_else(tmp_path: Path, value: str) -> None:
    """It was gone from the page, with its column's heading; or the rest of the page was."""
    among = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": value, "value_set": ["a"]}}
    folder = _suite(tmp_path, among)
    frame = pd.DataFrame({"key": [1, 2], value: [value, "a"]})
    page = expectations.render(expectations.validate(frame, folder, "mine", ["key"]))
    told = html.escape(value, quote=False)
    assert f">{told}</div></td>" in page  # the value, in the table of what was not expected
    assert re.search(rf"<h5[^>]*>\s*{re.escape(told)}\s*</h5>", page)  # its column
    assert page.count("<table") == page.count("</table>")


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


@pytest.mark.parametrize(("text", "words"), [(None, "There is no suite"), ("{", "not an expectation suite")])
def test_a_suite_that_is_none_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    folder = _suite(tmp_path)
    if text is None:
        (folder / "expectations" / "mine.json").unlink()
    else:
        (folder / "expectations" / "mine.json").write_text(text)
    with pytest.raises(ContractError, match=words):
        expectations.read_suite(folder, "mine")


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


@pytest.mark.parametrize("broken", [{"kwargs": {"column": "k"}}, "expect_nothing"])
def test_what_is_no_expectation_is_great_expectations_to_refuse(tmp_path: Path, broken: Any) -> None:
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "s.json").write_text(json.dumps({"name": "s", "expectations": [broken], "meta": {}}))
    found = expectations.frame(pa.table({"k": [1], "x": [2]}), tmp_path, "s", ["k"])
    assert list(found.columns) == ["k", "x"]
    with pytest.raises(ContractError, match="Mend the suite"):
        expectations.validate(found, tmp_path, "s", ["k"])
