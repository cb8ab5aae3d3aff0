"""Pages of Data Docs, of text, tables and links within the page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ratchet.adapters.expectations.check import Check

_MAIN = '<div class="col-md-10'  # where the page's own column begins, beside a bar of buttons
_TAGS = {"div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li"}
_TAGS |= {"a", "span", "strong", "em", "b", "i", "br", "small", "pre", "code"}
_OPENS = "\ue000"  # stands for "<" while a page is made; no font has it, so nobody delivers it


def render(check: Check) -> str:
    """Render what Data Docs say of a validation: the body of a page, of text, tables and links within the page.

    Great Expectations writes what was delivered into its page as it stands, and takes style and scripts from hosts of
    other people. Neither is left here: values are escaped before, lest one opens what swallows the rest of the page.
    """
    import nh3
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    told = ValidationResultsPageRenderer().render(check.result)
    told.sections = [_told(section.to_json_dict()) for section in told.sections]
    found = str(_view().render(told))
    body = found[max(found.find(_MAIN), found.index("<body")) : found.rindex("</body>")]
    clean = nh3.clean(
        body,
        tags=_TAGS,
        clean_content_tags={"script", "style", "form", "button", "footer", "nav"},
        attributes={"*": {"class", "id"}, "a": {"href"}},
        attribute_filter=lambda _, name, value: value if name != "href" or value.startswith("#") else None,
        url_schemes=set(),
        link_rel=None,
    )
    return "\n".join(line for line in clean.replace(_OPENS, "&lt;").splitlines() if line.strip())


def _told(node: Any) -> Any:
    """Let no text of a page open a tag: what was delivered stands there as it came. The icon is the page's own."""
    if isinstance(node, dict):
        return {key: each if key == "html_success_icon" else _told(each) for key, each in node.items()}
    if isinstance(node, list):
        return [_told(each) for each in node]
    return node.replace("<", _OPENS) if isinstance(node, str) else node


@cache
def _view() -> Any:
    """Make the view of all pages: its templates are compiled once, which costs as much as all else of a page."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()
