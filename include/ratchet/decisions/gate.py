"""Decide whether a challenger may replace the champion: checks first, then the duel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.decisions import worth as worths
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Evidence, Verdict
from ratchet.decisions.entries import Against, Terms
from ratchet.decisions.worth import Worth
from ratchet.text import counted, one_line, signed

WON = "has won"  # what a reason begins with where a challenger is to be promoted, and is not yet


@dataclass(frozen=True)
class Decision:
    """A verdict with its evidence."""

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    evidence: Evidence | None = None  # against the champion; None where there is none to compare with
    against: Evidence | None = None  # the anchor; None where there is none, or where it is the champion
    worth: Worth | None = None  # of its promotion, in the contract's own unit; None where it has none


def decide(
    checks: Sequence[Check],
    evidence: Evidence | None,
    unit: str = "day",
    anchor: str = "",
    against: Evidence | None = None,
    worth: Worth | None = None,
    *,
    loss: str = "loss",
    left: int | None = None,
) -> Decision:
    """Judge a challenger: it has to hold against both, and one of them may send it away.

    checks: what was found; one that is broken refuses it, a timing lets it wait. evidence: of its duel with the
    champion; None where there is none. unit: of its clusters. against: of its duel with the anchor, and how that is
    called. worth: of its promotion: told, and nothing is decided by it. loss: what is compared, in words. left: the
    clusters of labels that may still come before its patience ends.
    """
    broken = [one_line(check.text) for check in checks if check.forbids]
    delayed = "; ".join(one_line(check.text) for check in checks if check.delays)
    if broken:
        reason = f"rejected: {'; '.join([*broken, *_worth(worth, promoted=False)])}"
        return Decision("reject", reason, tuple(checks), evidence, against, worth)
    duels = [(name, each) for name, each in (("the champion", evidence), (anchor, against)) if each is not None]
    verdicts = [each.verdict for _, each in duels]
    verdict: Verdict = "reject" if "reject" in verdicts else "wait" if "wait" in verdicts or delayed else "promote"
    told = [delayed] if delayed and verdict == "wait" else []
    told += [words(each, unit, name, loss, left) for name, each in duels]
    if not duels:
        told += [f"there is no champion yet, and {'nothing else is missing' if delayed else 'every check passed'}"]
    beaten = next((name for name, each in duels if each.verdict == "reject"), "")
    said = {"promote": WON, "reject": f"rejected: beaten by {beaten}", "wait": "waits in shadow"}[verdict]
    told += _worth(worth, promoted=verdict != "reject")
    return Decision(verdict, f"{said}: {'; '.join(told)}", tuple(checks), evidence, against, worth)


def facts(decision: Decision) -> dict[str, Any]:
    """Return the numbers of a decision for the ledger. What only lets a challenger wait has not failed: `delayed`."""
    shown = decision.evidence
    broken = [check.name for check in decision.checks if check.forbids]
    delayed = [check.name for check in decision.checks if check.delays]
    numbers: dict[str, Any] = {"failed": broken, "beaten": decision.verdict == "reject" and not broken}
    if delayed:
        numbers["delayed"] = delayed
    if decision.worth:
        numbers["worth"] = worths.facts(decision.worth)
    if shown is None:
        return numbers
    return numbers | {
        "difference": shown.difference,
        "low": shown.low,
        "high": shown.high,
        "clusters": shown.clusters,
        "evidence": _evidence(shown),
    }


def against(name: str, terms: Terms, evidence: Evidence) -> Against:
    """Return the numbers of a duel with the anchor for the ledger."""
    return Against(
        name=name,
        difference=evidence.difference,
        low=evidence.low,
        high=evidence.high,
        clusters=evidence.clusters,
        evidence=_evidence(evidence),
        terms=terms,
        debt=evidence.debt,
    )


def words(
    evidence: Evidence, unit: str = "day", whom: str = "the champion", loss: str = "loss", left: int | None = None
) -> str:
    """Tell a duel's evidence in a sentence. whom: the other side of it. loss, left: as in `decide`.

    Where clusters were clipped it says how many, and what the difference is without that.
    """
    if not evidence.clusters:
        return f"no {unit} of labels yet that neither it nor {whom} has seen"
    interval = f"{signed(evidence.difference)} [{signed(evidence.low)}, {signed(evidence.high)}]"
    found = f"{loss} against {whom} {interval} over {counted(evidence.clusters, unit)}"
    if evidence.clipped:
        found += f" ({evidence.clipped} clipped to {evidence.bound:.3g}; unclipped {signed(evidence.unclipped)})"
    found += f", where it may be {evidence.margin:.3g} worse" if evidence.margin else ", where it has to be better"
    against = evidence.verdict == "reject" or (evidence.verdict == "wait" and evidence.champion > evidence.rival)
    side = f"evidence {odds(evidence.champion if against else evidence.rival)} {'against' if against else 'for'} it"
    text = f"{found}: {side}, {odds(evidence.needed)} needed"
    if evidence.verdict != "wait":
        return text
    if not evidence.more:
        return f"{text}; nothing points to a decision yet"
    late = f", of which its patience leaves {left}" if left is not None and evidence.more > left else ""
    return f"{text}; about {counted(evidence.more, f'more {unit}')} of labels would decide{late}"


def _worth(worth: Worth | None, promoted: bool) -> list[str]:
    return [worths.words(worth, promoted)] if worth else []


def _evidence(shown: Evidence) -> dict[str, float]:
    found = {"for": shown.rival, "against": shown.champion, "needed": shown.needed}
    return {name: round(value, 3) for name, value in found.items()}


def odds(log: float) -> str:
    """Write a logarithm of a capital as that capital."""
    return f"{math.exp(log):.3g}" if log < 20 else "over 10^8"
