"""The page about what a model's predictions come from: SHAP values, made after its decision, when somebody looks."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

from ratchet.contract.loop import Loop
from ratchet.files import slug
from ratchet.reports import figures
from ratchet.reports.page import page as html_page
from ratchet.reports.page import picture, table
from ratchet.settings import Settings

NAME = "importance"
SHOWN = 15  # features in the figure; the table has all


def path(loop: Loop, run: str) -> Path:
    """Say where the page about the model of an MLflow run lies: beside those about its decisions."""
    return Settings.current().reports / loop.name / "decisions" / slug(run) / f"{NAME}.html"


def page(loop: Loop, run: str, sizes: Mapping[str, float]) -> str:
    """Write the page. sizes: feature -> mean absolute SHAP value, the largest first."""
    rows = [(name, f"{size:.4g}") for name, size in sizes.items()]
    parts = [
        f"<p>{html.escape(loop.name)}, MLflow run {html.escape(run)}.</p>",
        *drawn(loop, sizes),
        table(("feature", "mean absolute SHAP value"), rows),
        "<p>SHAP values describe the model, not the world.</p>",
    ]
    return html_page(f"{loop.name}: what predictions come from", "\n".join(parts))


def drawn(loop: Loop, sizes: Mapping[str, float]) -> list[str]:
    """Draw what predictions come from, under a heading of its own."""
    largest = dict(list(sizes.items())[:SHOWN])
    told = ", ".join(f"{name} {size:.3g}" for name, size in largest.items())
    unit = loop.target.name if loop.task == "regression" else "probability"
    return [
        "<h2>What predictions come from</h2>",
        "<p>Mean absolute SHAP value over held-out rows, in the prediction's units.</p>",
        picture(figures.of_importance(largest, unit), f"Bars of mean absolute SHAP values: {told}."),
    ]
