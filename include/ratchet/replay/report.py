"""Show what a replay came to: a table, the frontier of loss against retrainings, a page, and a recommendation."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ratchet.replay import score
from ratchet.replay.fits import Fits
from ratchet.replay.history import History
from ratchet.replay.score import Outcome

HEAD = (
    "policy",
    "live loss",
    "against the first, 95% over days",
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
    """One policy's line of the table.

    regret: live loss above the least that hindsight could have had with as many retrainings.
    """

    name: str
    loss: float
    gap: tuple[float, float, float]
    total: float
    retrainings: int
    promotions: int
    rollbacks: int
    minutes: float
    worst_week: float
    regret: float

    def cells(self) -> list[str]:
        """Return the line as text."""
        gap = f"{self.gap[0]:+.5f} [{self.gap[1]:+.5f}, {self.gap[2]:+.5f}]" if math.isfinite(self.gap[0]) else ""
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
        ]


def rows(outcomes: Sequence[Outcome], best: Sequence[float]) -> list[Row]:
    """Make the table, the lowest loss first.

    Each policy is compared with the first of `outcomes`. best: of hindsight, by retrainings.
    """
    found = [
        Row(
            each.name,
            each.loss,
            score.difference(each, outcomes[0]) if each is not outcomes[0] else (math.nan, math.nan, math.nan),
            float(np.nansum(each.losses)),
            each.retrainings,
            each.promotions,
            each.rollbacks,
            each.minutes,
            score.worst_week(each, outcomes),
            each.loss - best[min(each.retrainings, len(best) - 1)],
        )
        for each in outcomes
    ]
    return sorted(found, key=lambda row: row.loss)


def hindsight(history: History, outcomes: Sequence[Outcome], fits: Fits) -> list[float]:
    """Return the least live loss by number of retrainings, over all models that any of the policies deployed, kept as `score.daily` says."""
    if not outcomes[0].deployed:
        return [math.nan]
    nights = [night["night"] for night in outcomes[0].nights]
    first = outcomes[0].deployed[0]
    spans = [first, *sorted({span for each in outcomes for span in each.deployed} - {first})]
    epoch = history.now
    made = [fits.get(history.at(nights[0]) if span == first else epoch, *span) for span in spans]
    losses = score.daily(made, epoch, nights, score.kept(outcomes))
    served = np.array([night["rows"] for night in outcomes[0].nights], dtype=float)
    return score.hindsight(losses, served, max(each.retrainings for each in outcomes))


def frontier(table: Sequence[Row]) -> list[Row]:
    """Return the policies that no other beats with as few retrainings, the fewest first."""
    kept: list[Row] = []
    for row in sorted(table, key=lambda row: (row.retrainings, row.loss)):
        if not kept or row.loss < kept[-1].loss:
            kept.append(row)
    return kept


def recommended(table: Sequence[Row], nights: int, cost: float) -> Row:
    """Return the policy that costs least: live loss times days, and `cost` a retraining, in the same unit."""
    return min(table, key=lambda row: row.loss * nights + cost * row.retrainings)


def figure(table: Sequence[Row], best: Sequence[float], title: str) -> bytes:
    """Draw loss against retrainings, the frontier and hindsight's best as lines. Returns a PNG."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(11, 5.5), layout="constrained")
    axes = drawn.subplots()
    axes.plot(range(len(best)), best, color="0.7", linewidth=1, label="hindsight's best")
    edge = frontier(table)
    axes.plot(
        [row.retrainings for row in edge],
        [row.loss for row in edge],
        color="0.3",
        linewidth=1,
        linestyle="--",
        label="frontier",
    )
    for i, row in enumerate(table, 1):
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


def page(title: str, table: Sequence[Row], picture: bytes, said: str, diff: str, outcomes: Sequence[Outcome]) -> str:
    """Write a self-contained page."""
    head = "".join(f"<th>{html.escape(name)}" for name in HEAD)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in row.cells()) for row in table)
    asked = "".join(
        f"<details><summary>{html.escape(each.name)}: {each.retrainings} retrainings</summary><ul>"
        + "".join(
            f"<li>{night['night']}: {html.escape(night['reason'])} → {night['gate'] or '–'}"
            for night in each.nights
            if night["decided"] == "retrain"
        )
        + "</ul></details>"
        for each in outcomes
    )
    image = base64.b64encode(picture).decode()
    return f"""<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: left; padding: .25rem .9rem .25rem 0; border-top: 1px solid #ddd; }}
img {{ max-width: 100%; }} pre {{ background: #f5f6f8; padding: 1rem; overflow-x: auto; }}</style>
<h1>{html.escape(title)}</h1><p>{html.escape(said)}</p>{f"<pre>{html.escape(diff)}</pre>" if diff else ""}
<img alt='loss against retrainings' src='data:image/png;base64,{image}'><table><tr>{head}{body}</table>
<h2>What asked for each retraining</h2>{asked}</html>"""
