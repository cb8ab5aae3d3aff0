"""A retraining where columns leave what unchanged days show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ratchet.contract.rules import Part
from ratchet.decisions.policies.facts import NightFacts


class Options(Part):
    """A retraining where columns leave what unchanged days show."""

    columns: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Fewest columns beyond their calibrated thresholds."
    )


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask where columns are beyond the thresholds that unchanged days exceed a stated number of times a year."""
    if len(facts.drifted) < options.columns or facts.drift_days < facts.drift_window:
        return None
    count = f"{len(facts.drifted)} column{'s' if len(facts.drifted) > 1 else ''}"
    shown = ", ".join(sorted(facts.drifted)[:5]) + (", …" if len(facts.drifted) > 5 else "")
    return f"drift: {count} beyond the calibrated threshold ({shown})"
