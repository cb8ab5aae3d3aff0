"""A self-contained HTML page."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from ratchet.reports import page

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(text, st.lists(st.tuples(text, text)))
def test_no_text_becomes_markup(title: str, rows: list[tuple[str, str]]) -> None:
    whole = page.page(title, page.table(("a", "b"), rows))
    assert html.unescape(whole[whole.index("<h1>") + 4 : whole.index("</h1>")]) == title
    cells = re.findall(r"<td>(.*?)</td>", whole, flags=re.DOTALL)
    assert [html.unescape(cell) for cell in cells] == [cell for row in rows for cell in row]
    assert page.STYLE in whole


def test_a_bad_row_is_marked_and_a_picture_carries_its_bytes() -> None:
    assert page.table((), [("x",), ("y",)], marked=[False, True]).count("class=bad") == 1
    assert page.picture(b"abc", "it's") == "<img alt='it&#x27;s' src='data:image/png;base64,YWJj'>"
