"""Pages of Data Docs: what was delivered is text there."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.adapters import expectations


def _suite(folder: Path, *expectations: dict[str, Any]) -> Path:
    (folder / "expectations").mkdir()
    (folder / "expectations" / "mine.json").write_text(json.dumps({"expectations": expectations}))
    return folder


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
