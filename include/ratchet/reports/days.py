"""What the page about a decision shows over time: duel and costs by their days, certificates by their nights."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.decisions import gate
from ratchet.decisions.duel import Cluster, Evidence, load
from ratchet.decisions.entries import Certified, Entries, only
from ratchet.decisions.worth import number
from ratchet.reports import figures
from ratchet.reports.page import picture, table
from ratchet.text import counted, signed
from ratchet.training import intercept
from ratchet.training.intercept import Shift

# Day -> what a side's answers of it were shifted by; days that are not known are not there.
Shifts = Mapping[str, Shift]

LISTED = 60  # latest days of a duel
DRAWN = 120  # latest nights that have certified
_MARK = "†"


def evidence(
    loop: Loop,
    clusters: Sequence[Cluster],
    shown: Evidence,
    other: str,
    ours: Shifts,
    theirs: Shifts,
    who: str = "challenger",
) -> list[str]:
    """Draw a duel, and list its latest days; those beyond the bound are marked.

    other: whom `who` meets: champion, anchor or baseline. ours, theirs: what the answers of `who` and of the other were
    shifted by.
    """
    listed, unit = clusters[-LISTED:], loop.gate.cluster
    sides = (ours, theirs) if unit == "day" and any((*ours.values(), *theirs.values())) else ()
    rows = (
        (c.key, f"{c.rows:,}", _difference(c, shown.bound), *(_shift(side, c.key) for side in sides)) for c in listed
    )
    head = (unit, "rows", f"{loop.loss_words}: {who} less {other}")
    shifted = (f"shift of the {who}", f"shift of the {other}") if sides else ()
    note = f"<p>{_MARK} Beyond the bound: counts as ±{shown.bound:.4g}.</p>"
    return [
        picture(
            figures.of_evidence(clusters, shown, loop.loss_words, other, unit, who),
            _duel(loop, clusters, shown, other, who),
        ),
        f"<p>{html.escape(_mean(loop, shown, other, who))} {html.escape(_interval(shown))}</p>",
        table((*head, *shifted), rows),
        *([note] if any(_beyond(each, shown.bound) for each in listed) else []),
        *([_shifted(loop)] if sides else []),
    ]


def _mean(loop: Loop, shown: Evidence, other: str, who: str) -> str:
    """Say whether the mean of the days is for the side that is judged, and by how much, against the margin."""
    size, margin = shown.difference, shown.margin
    found = f"better than the {other} by" if size < 0 else f"worse than the {other} by"
    found = f"the {who} is {found} {abs(size):.4f}" if float(f"{size:.4f}") else f"the {who} equals the {other}"
    if not margin:
        may = "it has to be better"
    elif size > margin:
        may = f"more than the {margin:.3g} by which it may be worse"
    else:
        may = f"it may be worse by {margin:.3g}"
    return f"In the mean of {counted(shown.clusters, loop.gate.cluster)}, {found} ({loop.loss_words}); {may}."


def _interval(shown: Evidence) -> str:
    """Say what the brackets are."""
    level, passed = math.exp(-shown.needed), "the margin" if shown.margin else "zero"
    return (
        f"The brackets, [{signed(shown.low)}, {signed(shown.high)}], hold this mean at all looks together, with a "
        f"probability of at least {1 - level:.4g}: half of the level, {level:.4g}, is spent on each side. The verdict "
        f"asks for one side alone and spends it whole there, so the brackets may reach over {passed} where it "
        "has been passed."
    )


def _shift(side: Shifts, day: str) -> str:
    return (intercept.words(side[day]) or "–") if day in side else ""


def _shifted(loop: Loop) -> str:
    """Say what a shift is."""
    unit = {"binary": "log odds", "multiclass": "logarithms of shares"}.get(loop.task, f"units of {loop.target.name}")
    return (
        f"<p>The shift is what all answers of a day were moved by, in {html.escape(unit)}, after what the last "
        "labelled days that the model had not seen have shown (–: by nothing). Of days in shadow the predictions keep "
        "it, in the column <code>intercept</code>.</p>"
    )


def _difference(each: Cluster, bound: float) -> str:
    told = signed(each.mean) if math.isfinite(each.mean) else "undefined"
    return f"{told} {_MARK}" if _beyond(each, bound) else told


def _beyond(each: Cluster, bound: float) -> bool:
    return abs(each.mean) > bound


def _duel(loop: Loop, clusters: Sequence[Cluster], shown: Evidence, other: str, who: str) -> str:
    """Say what the picture of a duel shows."""
    beyond, count = sum(_beyond(each, shown.bound) for each in clusters), counted(len(clusters), loop.gate.cluster)
    return (
        f"Bars: {loop.loss_words} of the {who} less that of the {other}, on {count} from "
        f"{clusters[0].key} to {clusters[-1].key}, {beyond} of them beyond the bound; on average "
        f"{signed(shown.difference)} [{signed(shown.low)}, {signed(shown.high)}]. Lines: the capital, "
        f"{gate.odds(shown.rival)} for the {who} and {gate.odds(shown.champion)} for the {other} at the end; "
        f"{gate.odds(shown.needed)} decides."
    )


def costs(value: Mapping[str, Any] | None) -> list[str]:
    """List what the rows of each day of the holdout cost. value: the evaluation's; None where the contract has none."""
    days = load(value["days"]) if value else []
    if value is None or not days:
        return []
    sides = ("challenger", value["against"])
    daily: Mapping[str, Mapping[str, float]] = value.get("daily", {})
    rows = [
        (
            each.key,
            f"{each.rows:,}",
            *(number(daily[each.key][who]) if each.key in daily else "–" for who in sides),
            "undefined" if each.undefined else _signed(each.total),
        )
        for each in days
    ]
    if not any(each.undefined for each in days):
        held = [[daily[each.key][who] for each in days if each.key in daily] for who in sides]
        told = (number(fmean(side)) if side else "–" for side in held)
        rows.append(("mean", number(fmean(d.rows for d in days)), *told, _signed(fmean(d.total for d in days))))
    return [
        "<h2>What rows cost, day by day</h2>",
        f"<p>In {html.escape(value['unit'])}, all rows of a day together; below 0 is for the challenger.</p>",
        table(("day", "rows", *sides, " less ".join(sides)), rows),
    ]


def _signed(cost: float) -> str:
    return f"{'+' if cost > 0 else ''}{number(cost + 0.0)}"  # -0.0 is 0


def certificates(loop: Loop, entries: Entries) -> list[str]:
    """Tell and draw what nights could say of the champion against the anchor, in the loss of now.

    Nights that do not say in which loss are taken as of this one. Nothing is drawn where the champion is the anchor.
    """
    told = [each for each in only(entries, Certified) if each.loss in ("", loop.measured_in)]
    if not told:
        return []
    drawn = [
        (each.partition, each.difference, each.low, each.high)
        for each in told[-DRAWN:]
        if each.difference is not None and each.low is not None and each.high is not None
    ]
    now = told[-1]
    if now.version == now.anchor:  # what was drawn is of champions before it
        drawn = []
    words = f"<p>{html.escape(now.partition)}: {html.escape(now.reason)}.</p>"
    return ["<h2>The certificate</h2>", words, *(_certified(loop, drawn) if drawn else [])]


def _certified(loop: Loop, nights: Sequence[tuple[str, float, float, float]]) -> list[str]:
    (first, *_), (last, difference, low, high) = nights[0], nights[-1]
    about = (
        f"Line with a band, over the nights {first} to {last}: the champion's {loop.loss_words} less the anchor's, "
        f"and its interval. Of the last night {signed(difference)} [{signed(low)}, {signed(high)}]; below 0 is for the "
        "champion."
    )
    return [picture(figures.of_certificates(nights, loop.loss_words), about)]
