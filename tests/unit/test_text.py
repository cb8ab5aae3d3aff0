"""Text that leaves: in its line, and without what moves a terminal or forges a line."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ratchet import text


@given(st.text())
def test_one_line_is_one_and_everything_in_it_is_seen(given_text: str) -> None:
    found = text.one_line(given_text)
    assert len(found.splitlines()) <= 1
    assert all(unicodedata.category(each) not in {"Cc", "Cs", "Zl", "Zp"} for each in found)
    assert text.one_line(found) == found
    found.encode()


@pytest.mark.parametrize(
    ("wild", "tame"),
    [
        ("red \x1b[31malert\x1b[0m", r"red \x1b[31malert\x1b[0m"),
        ("fine\n\nSigned-off-by: the CEO", "fine Signed-off-by: the CEO"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("half \ud800", r"half \ud800"),
        ("Straße, नी\u200dमा, 東京", "Straße, नी\u200dमा, 東京"),
    ],
)
def test_what_hides_or_moves_is_escaped(wild: str, tame: str) -> None:
    assert text.one_line(wild) == tame


def test_what_is_too_long_is_cut_off_and_says_so() -> None:
    assert text.one_line("abcdef", 6) == "abcdef"
    assert text.one_line("abcdefg", 6) == "abcde…"


def test_several_lines_keep_their_lines() -> None:
    assert text.lines("a:\n  b\x07\n  c") == "a:\n  b\\x07\n  c"


@given(st.text(alphabet="ab|\\`*_{}[]()<>~&!#\n\x1b :/."))
def test_markdown_says_a_text_and_nothing_else(given_text: str) -> None:
    said = text.one_line(given_text).strip()
    escaped = MarkdownIt("commonmark").render(f"**Reject**: {text.markdown_escape(given_text)}")
    assert html.unescape(escaped).strip() == f"<p><strong>Reject</strong>: {said}</p>".replace(": </p>", ":</p>")
    rendered = (
        MarkdownIt("commonmark").enable("table").render(f"| a | b |\n| - | - |\n| {text.markdown_code(said)} | 1 |")
    )
    assert re.findall("<(td|a|img|code)\\b", rendered) == (["td", "code", "td"] if said else ["td", "td"])


def test_things_are_counted() -> None:
    assert [text.counted(number, "day") for number in (0, 1, 12)] == ["0 days", "1 day", "12 days"]


def test_zero_has_no_sign() -> None:
    assert [text.signed(each) for each in (0.00414, -0.01, 0.0, -0.0, -0.00004)] == [
        "+0.0041",
        "-0.0100",
        *["0.0000"] * 3,
    ]
    assert text.signed(-0.0004, 3) == "0.000"
