"""Evidently's report on two tables, at thresholds that are given."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.errors import MissingPackage

if TYPE_CHECKING:
    import pandas as pd

_DATA = re.compile(r"^(\s*var (?:additional_graphs_)?metric_\w+ = )(\{.*\};)$", re.MULTILINE)  # JSON, on one line


def make(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    thresholds: Mapping[str, float],
) -> tuple[str, str]:
    """Compare column by column; return Evidently's report as one HTML page, and as JSON.

    Numbers are compared by their Wasserstein distance over the reference's standard deviation, rows without a value
    left out; categories by their Jensen-Shannon distance. A number without any value on one side is left out. Columns
    come in the order of their thresholds.
    """
    evidently = _evidently()
    usable = [name for name in numbers if current[name].notna().any() and reference[name].notna().any()]
    columns = [name for name in thresholds if name in usable or name in categories]
    definition = evidently.DataDefinition(numerical_columns=usable, categorical_columns=list(categories))
    metrics = [
        evidently.metrics.ValueDrift(
            column=name, method="wasserstein" if name in usable else "jensenshannon", threshold=thresholds[name]
        )
        for name in columns
    ]
    sides = [
        evidently.Dataset.from_pandas(frame[columns], data_definition=definition) for frame in (current, reference)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        snapshot = evidently.Report(metrics, include_tests=True).run(*sides)
    return _closed(snapshot.get_html_str(as_iframe=False)), str(snapshot.json())


def _closed(page: str) -> str:
    """Keep the page's data inside its script: Evidently writes a category's name as it came, `</script>` too."""
    return _DATA.sub(lambda found: found[1] + found[2].replace("<", "\\u003c"), page)


def _evidently() -> Any:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        import evidently
        import evidently.metrics
    except ImportError as error:
        raise MissingPackage(f"evidently cannot be imported ({error}). Run: make install") from error
    return evidently
