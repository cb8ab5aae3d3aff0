"""What promoting a challenger is worth a week, in the contract's own unit (`gate.value`).

It is told, and decides nothing. The interval is Student's, over the sums of days: rows of one day depend on each other.
It is for one look at days that are given, and not for many looks; what is proved at any time stands in the duel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.contract.rules import VALUE
from ratchet.decisions.duel import Cluster, Gathered, load
from ratchet.decisions.evaluation import Evaluation
from ratchet.text import counted

LEVEL = 0.05  # of the interval
_IS, _WAS = "would be worth", "was worth"


@dataclass(frozen=True)
class Worth:
    """What a challenger costs less than another, a week."""

    unit: str
    a_week: float  # what the other costs more, of as many rows as a week has ...
    low: float | None  # ... with its interval, from low ...
    high: float | None  # ... to high; None of a single day
    days: int
    against: str  # champion, or baseline where there was none
    holdout: bool = False  # whether those are the days of its holdout alone; else of its duel, so far


def worth(loop: Loop, found: Evaluation, gathered: Gathered, valued: Sequence[Cluster] = ()) -> Worth | None:
    """Return what promoting a challenger is worth; None without a value, or days that can be compared.

    By the days of its duel with the champion. valued: those, in the contract's own unit, where the duel is fought in
    another; by default those of its holdout.
    """
    if loop.gate.value is None or (found.value is None and not valued):
        return None
    days, against = list(valued), "champion"
    if found.value is not None and not days:
        days, against = load(found.value["days"]), str(found.value["against"])
        if loop.loss == VALUE and against:
            days = list(gathered.days if against == "champion" else gathered.anchored)
    if not days or any(each.undefined for each in days):
        return None
    return replace(_of_days(loop, days, against), holdout={each.key for each in days} <= {*found.days})


def words(worth: Worth, promoted: bool) -> str:
    """Say it in a sentence. promoted: whether it may still be, or would have been."""
    return f"promoting it {_IS if promoted else 'would have been worth'} {told(worth)}"


def told(worth: Worth) -> str:
    """Say how much it is, with its interval."""
    other = " against the baseline" if worth.against == "baseline" else ""
    if worth.low is None or worth.high is None:
        interval = "by one day, too few for an interval"
    else:
        of = " of its holdout" if worth.holdout else ""
        interval = f"95 %: {number(worth.low)} to {number(worth.high)}, by {counted(worth.days, 'day')}{of}"
    return f"{number(worth.a_week)} {worth.unit} a week{other} ({interval})"


def number(value: float) -> str:
    """Write a number as people say it: whole from 100 on, else in three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def promoted(reason: str) -> str:
    """Say a win's reason once it is promoted."""
    return reason.replace(f"promoting it {_IS} ", f"promoting it {_WAS} ")


def facts(worth: Worth) -> dict[str, Any]:
    """Return it as an entry of the ledger holds it."""
    return asdict(worth)


def _of_days(loop: Loop, days: Sequence[Cluster], against: str) -> Worth:
    """Sum up the days of a week. Rows are expected on five days of it, or on seven, as the calendar says."""
    from scipy import stats

    assert loop.gate.value is not None
    n, week = len(days), 5 if loop.schedule.calendar == "weekdays" else 7
    mean = -math.fsum(each.total for each in days) / n
    if n < 2:
        return Worth(loop.gate.value.unit, week * mean, None, None, n, against)
    spread = math.sqrt(math.fsum((each.total + mean) ** 2 for each in days) / (n - 1) / n)
    room = float(stats.t.isf(LEVEL / 2, n - 1)) * spread
    return Worth(loop.gate.value.unit, week * mean, week * (mean - room), week * (mean + room), n, against)
