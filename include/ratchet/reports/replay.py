"""What a replay is shown as: the lines of its table, the frontier of loss against retrainings, and a page."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.decisions.worth import number
from ratchet.reports.page import page as html_page
from ratchet.reports.page import picture, table

HEAD = (
    "policy",
    "live loss",
    "against the first, 95% over nights",
    "sum over days",
    "retrainings",
    "promotions",
    "rollbacks",
    "minutes",
    "worst week",
    "regret",
)


@dataclass(frozen=True)
class Row:
    """One policy's line of the table."""

    name: str
    loss: float  # mean live loss
    gap: tuple[float, float, float]  # its difference from the first policy's, and the bounds of that, low and high
    total: float  # daily live losses, summed
    retrainings: int
    promotions: int
    rollbacks: int
    minutes: float  # of training
    worst_week: float  # largest mean excess over the best policy of each night, in seven nights
    regret: float  # live loss above the least that hindsight could have had with as many retrainings
    unit: str = ""  # the contract's own, which the next two are in; nothing where it has none
    week: float | None = None  # what a week costs
    saved: tuple[float, float, float] | None = None  # what it costs less than the first policy's, with its bounds
    # Most that its loss exceeds the first policy's by: one-sided, at 95 % for all policies together. None of the first,
    # NaN where too few nights say anything.
    at_most: float | None = None

    def cells(self) -> list[str]:
        """Return the line as text."""
        gap = f"{self.gap[0]:+.5f} [{self.gap[1]:+.5f}, {self.gap[2]:+.5f}]" if math.isfinite(self.gap[0]) else ""
        own = [_week(self.week), _saved(self.saved)] if self.unit else []
        return [
            self.name,
            f"{self.loss:.5f}",
            gap,
            f"{self.total:.2f}",
            str(self.retrainings),
            str(self.promotions),
            str(self.rollbacks),
            f"{self.minutes:.1f}",
            f"{self.worst_week:.4f}",
            f"{self.regret:+.5f}" if math.isfinite(self.regret) else "",
            *own,
        ]


def head(unit: str) -> tuple[str, ...]:
    """Return the titles of the table's columns. unit: the contract's own, or nothing."""
    return (*HEAD, f"{unit} a week", "less than the first, 95% over nights") if unit else HEAD


def worth(row: Row) -> str:
    """Say what a policy was worth beside the first, in the contract's own unit; nothing where it has none."""
    if row.saved is None or not math.isfinite(row.saved[0]):
        return ""
    mean, low, high = map(number, row.saved)
    return f"it was worth {mean} {row.unit} a week against the policy of now (95 % over nights: {low} to {high})"


def _week(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else number(value)


def _saved(told: tuple[float, float, float] | None) -> str:
    return f"{number(told[0])} [{number(told[1])}, {number(told[2])}]" if told and math.isfinite(told[0]) else ""


def frontier(table: Sequence[Row]) -> list[Row]:
    """Return the policies that no other beats with as few retrainings, the fewest first."""
    kept: list[Row] = []
    for row in sorted(table, key=lambda row: (row.retrainings, row.loss)):
        if not kept or row.loss < kept[-1].loss:
            kept.append(row)
    return kept


def figure(rows: Sequence[Row], best: Sequence[float], title: str) -> bytes:
    """Draw loss against retrainings, the frontier and hindsight's best as lines. Returns a PNG."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(11, 5.5), layout="constrained")
    axes = drawn.subplots()
    axes.plot(range(len(best)), best, color="0.7", linewidth=1, label="hindsight's best")
    edge = frontier(rows)
    axes.plot(
        [row.retrainings for row in edge],
        [row.loss for row in edge],
        color="0.3",
        linewidth=1,
        linestyle="--",
        label="frontier",
    )
    for i, row in enumerate(rows, 1):
        axes.plot(
            row.retrainings,
            row.loss,
            "o",
            color="#1a7f4b" if "cost_aware" in row.name else "#3a5fb0",
            markersize=7 if row in edge else 5,
            label=f"{i}  {row.name}",
        )
        axes.annotate(str(i), (row.retrainings, row.loss), xytext=(4, 5), textcoords="offset points", fontsize=8)
    axes.set_xscale("symlog", linthresh=10)
    axes.set(xlabel="retrainings", ylabel="mean live loss", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    drawn.legend(frameon=False, loc="outside right upper", fontsize="small")
    stream = io.BytesIO()
    drawn.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def page(
    title: str,
    rows: Sequence[Row],
    drawn: bytes,
    said: str,
    diff: str,
    lived: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    """Return the page.

    drawn: the figure. lived: policy -> its nights, of which those that asked for a retraining are listed.
    """
    parts = [
        f"<p>{html.escape(said)}</p>",
        f"<pre>{html.escape(diff)}</pre>" if diff else "",
        picture(drawn, "loss against retrainings"),
        table(head(rows[0].unit if rows else ""), (row.cells() for row in rows)),
        "<h2>What asked for each retraining</h2>",
        *(_asked(policy, nights) for policy, nights in lived.items()),
    ]
    if worth := [told for policy, nights in lived.items() if (told := _promoted(policy, nights))]:
        parts += ["<h2>What each promotion was worth</h2>", *worth]
    return html_page(title, "".join(parts))


def _asked(policy: str, nights: Sequence[Mapping[str, Any]]) -> str:
    found = [night for night in nights if night["decided"] == "retrain"]
    items = (f"<li>{night['night']}: {html.escape(night['reason'])} → {night['gate'] or '–'}" for night in found)
    summary = f"{html.escape(policy)}: {len(found)} retrainings"
    return f"<details><summary>{summary}</summary><ul>{''.join(items)}</ul></details>"


def _promoted(policy: str, nights: Sequence[Mapping[str, Any]]) -> str:
    """List what promotions were worth; nothing where the contract has no unit of its own."""
    found = [night for night in nights if night.get("worth")]
    items = (f"<li>promoting on {night['night']} was worth {html.escape(night['worth'])}</li>" for night in found)
    summary = f"{html.escape(policy)}: {len(found)} promotions"
    return f"<details><summary>{summary}</summary><ul>{''.join(items)}</ul></details>" if found else ""
