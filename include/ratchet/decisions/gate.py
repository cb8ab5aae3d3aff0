"""Decide whether a challenger may replace the champion: checks first, then the duel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Evidence, Verdict
from ratchet.text import one_line


@dataclass(frozen=True)
class Decision:
    """A verdict with its evidence."""

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    evidence: Evidence | None = None  # None where there is no champion to compare with


def decide(checks: Sequence[Check], evidence: Evidence | None, unit: str = "day") -> Decision:
    """Judge a challenger.

    checks: what was found. evidence: of its duel with the champion; None where there is none. unit: of its clusters.
    """
    broken = [one_line(check.text) for check in checks if not check.passed]
    if broken:
        return Decision("reject", f"rejected: {'; '.join(broken)}", tuple(checks), evidence)
    if evidence is None:
        return Decision("promote", "promoted: there is no champion yet, and every check passed", tuple(checks))
    said = {
        "promote": f"promoted: {words(evidence, unit)}",
        "reject": f"rejected: beaten by the champion: {words(evidence, unit)}",
        "wait": f"waits in shadow: {words(evidence, unit)}",
    }[evidence.verdict]
    return Decision(evidence.verdict, said, tuple(checks), evidence)


def facts(decision: Decision) -> dict[str, Any]:
    """Return the numbers of a decision for the ledger."""
    shown = decision.evidence
    broken = [check.name for check in decision.checks if not check.passed]
    numbers = {"failed": broken, "beaten": decision.verdict == "reject" and not broken}
    if shown is None:
        return numbers
    return numbers | {
        "difference": shown.difference,
        "low": shown.low,
        "high": shown.high,
        "clusters": shown.clusters,
        "evidence": {
            "for": round(shown.rival, 3),
            "against": round(shown.champion, 3),
            "needed": round(shown.needed, 3),
        },
    }


def words(evidence: Evidence, unit: str = "day") -> str:
    """Tell a duel's evidence in a sentence."""
    if not evidence.clusters:
        return f"no {unit} of labels yet that neither model has seen"
    count = f"{evidence.clusters} {unit}{'' if evidence.clusters == 1 else 's'}"
    found = (
        f"loss against the champion {evidence.difference:+.4f} [{evidence.low:+.4f}, {evidence.high:+.4f}] over {count}"
    )
    against = evidence.verdict == "reject" or (evidence.verdict == "wait" and evidence.champion > evidence.rival)
    side = f"evidence {_odds(evidence.champion if against else evidence.rival)} {'against' if against else 'for'} it"
    text = f"{found}, {side}, {_odds(evidence.needed)} needed"
    if evidence.verdict == "wait":
        text += (
            f"; about {evidence.more} more {unit}s of labels would decide"
            if evidence.more
            else "; nothing points to a decision yet"
        )
    return text


def _odds(log: float) -> str:
    return f"{math.exp(log):.3g}" if log < 20 else "over 10^8"
