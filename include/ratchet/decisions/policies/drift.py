"""A retraining where columns leave what unchanged days show."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ratchet.contract.part import Part
from ratchet.decisions.policies.facts import NightFacts

# As much of the window as must be there. Thresholds are widened to the days that came, by the root of their number
# (`monitoring.thresholds.widened`): 1.4 times at half. Of a window with less, more is unknown than known: it is told.
SHARE = 0.5


class Options(Part):
    """A retraining where columns leave what unchanged days show."""

    columns: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Fewest columns beyond their calibrated thresholds."
    )


def ask(facts: NightFacts, options: Options) -> str | None:
    """Ask where columns are beyond the thresholds that unchanged days exceed a stated number of times a year.

    Days of rest are not waited for, and one that never came does not silence the others.
    """
    if len(facts.drifted) < options.columns or facts.drift_days < SHARE * facts.drift_window:
        return None
    count = f"{len(facts.drifted)} column{'s' if len(facts.drifted) > 1 else ''}"
    shown = ", ".join(sorted(facts.drifted)[:5]) + (", …" if len(facts.drifted) > 5 else "")
    days = f"{facts.drift_days} of {facts.drift_window} days"
    return f"drift: {count} beyond the calibrated threshold ({shown}), on {days}"
