"""A self-contained HTML page in the one style of all of Ratchet's pages, and the parts that pages are made of."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-top: 1px solid #8884; }
img { max-width: 100%; background: #fff; }
pre { overflow-x: auto; padding: 1rem; background: #8881; }
.bad td, .bad { color: #c22; }
.verdict { font-size: 1.6rem; font-weight: 600; margin: 0; }
.promote { color: #1a8a4a; }
.reject { color: #b3640a; }
.wait { color: #3a5fb0; }
.ledger td:first-child { white-space: nowrap; }
.promoted td:nth-child(2) { color: #1a8a4a; }
.waiting td:nth-child(2), .left td:nth-child(2), .released td:nth-child(2) { color: #3a5fb0; }
.rejected td:nth-child(2), .vetoed td:nth-child(2), .rolled_back td:nth-child(2) { color: #b3640a; }
"""
OF_DATA_DOCS = """
.collapse { display: none; }
.collapse:target { display: block; margin-left: 1rem; }
.badge { padding: 0 .4rem; border-radius: .3rem; background: #8883; }
.text-danger { color: #c22; }
.fa-check-circle::before { content: "✓"; color: #1a8a4a; }
.fa-times::before { content: "✗"; color: #c22; }
.fa-exclamation-triangle::before { content: "!"; color: #b3640a; }
"""


def page(title: str, body: str, style: str = "") -> str:
    """Return a whole page. title: text; body: HTML; style: CSS of its own."""
    title = html.escape(title)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f'<meta name=viewport content="width=device-width"><style>{STYLE}{style}</style><h1>{title}</h1>{body}</html>'
    )


def picture(png: bytes, about: str = "") -> str:
    """Return an image that carries its own bytes."""
    return f"<img alt='{html.escape(about, quote=True)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], marked: Sequence[bool] = ()) -> str:
    """Return a table of text cells. marked: which rows are shown as bad."""
    top = f"<tr>{''.join(f'<th>{html.escape(cell)}</th>' for cell in head)}</tr>" if head else ""
    body = "".join(
        f"<tr{' class=bad' if i < len(marked) and marked[i] else ''}>"
        f"{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>"
        for i, row in enumerate(rows)
    )
    return f"<table>{top}{body}</table>"
