"""The page about what predictions come from."""

from __future__ import annotations

from pathlib import Path

from ratchet import catalog
from ratchet.reports import importance


def test_a_feature_s_name_is_text_and_all_of_them_are_told(place: Path) -> None:
    sizes = {"<script>alert(1)</script>": 2.0, **{f"f{n}": 1.0 / (n + 1) for n in range(20)}}
    page = importance.page(catalog.load("wind"), "1" * 32, sizes)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "f19" in page
    assert page.count("<img ") == 1
    assert importance.path(catalog.load("wind"), "1" * 32).parent.name == "1" * 32
