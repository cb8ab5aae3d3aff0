"""What the page about a decision shows over time: the duel by its days, and the certificates by their nights."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from ratchet.contract.loop import Loop
from ratchet.decisions.duel import Cluster, Evidence, curve
from ratchet.decisions.entries import Certified, Entries, only
from ratchet.reports import figures
from ratchet.reports.page import picture, table

LISTED = 60  # latest days of a duel
DRAWN = 120  # latest nights that have certified


def evidence(loop: Loop, clusters: Sequence[Cluster], shown: Evidence) -> list[str]:
    """Draw a duel, and list its latest days."""
    points = curve(clusters, margin=shown.margin, bound=shown.bound, debt=shown.debt)
    listed = (
        (c.key, f"{c.rows:,}", f"{c.mean:+.4f}" if math.isfinite(c.mean) else "undefined") for c in clusters[-LISTED:]
    )
    return [
        picture(figures.of_evidence(clusters, points, shown.needed, shown.margin)),
        table((loop.gate.cluster, "rows", f"{loop.loss_words}: rival less the other"), listed),
    ]


def certificates(loop: Loop, entries: Entries) -> list[str]:
    """Tell and draw what nights could say of the champion against the anchor, in the loss of now.

    Nights that do not say in which loss are taken as of this one.
    """
    told = [each for each in only(entries, Certified) if each.loss in ("", loop.measured_in)]
    if not told:
        return []
    drawn = [
        (each.partition, each.difference, each.low, each.high)
        for each in told[-DRAWN:]
        if each.difference is not None and each.low is not None and each.high is not None
    ]
    words = f"<p>{html.escape(told[-1].partition)}: {html.escape(told[-1].reason)}.</p>"
    return ["<h2>The certificate</h2>", words, *(_certified(loop, drawn) if drawn else [])]


def _certified(loop: Loop, nights: Sequence[tuple[str, float, float, float]]) -> list[str]:
    (first, *_), (last, difference, low, high) = nights[0], nights[-1]
    about = (
        f"Line with a band, over the nights {first} to {last}: the champion's {loop.loss_words} less the anchor's, "
        f"and its interval. Of the last night {difference:+.4f} [{low:+.4f}, {high:+.4f}]; below 0 is for the champion."
    )
    return [picture(figures.of_certificates(nights, loop.loss_words), about)]
