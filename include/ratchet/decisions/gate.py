"""Decide whether a challenger may replace the champion: vetoes first, then the duel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.contract.rules import Gate
from ratchet.decisions import vetoes
from ratchet.decisions.duel import Evidence, Verdict, load
from ratchet.decisions.vetoes import Check


@dataclass(frozen=True)
class Decision:
    """A verdict with its evidence. evidence is None where there is no champion to compare with."""

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    evidence: Evidence | None = None


def checks(gate: Gate, found: Mapping[str, Any], carried: bool) -> list[Check]:
    """List the vetoes of a challenger by its stored evaluation.

    carried: its evidence began with earlier fits of its recipe.
    """
    listed = vetoes.floors(found["metrics"]["challenger"], gate.floors)
    if found["unaccepted"]:
        why = "; ".join(f"{day}: {reason}" for day, reason in sorted(found["unaccepted"].items()))
        listed.append(
            Check("data", False, f"rejected deliveries in its window ({why})", len(found["unaccepted"]), None, 0)
        )
    else:
        listed.append(Check("data", True, "no delivery in its window was rejected", 0, None, 0))
    compared = [each.mean for each in load(found["compared"] or [])]
    if carried and compared:
        own = vetoes.within("own holdout", sum(compared) / len(compared), high=gate.margin)
        listed.append(own)
    if gate.slices:
        sliced = {name: load(days) for name, days in found["slices"].items()}
        listed += vetoes.slices(sliced, gate.slices.margin, gate.slices.level)
    for column, differences in found["fairness"].items() if gate.fairness else ():
        for name in ("demographic_parity", "equalized_odds"):
            if (bound := getattr(gate.fairness, name)) is not None:
                listed.append(vetoes.within(f"{name} over {column}", differences[name], high=bound))
    for name, most in (("latency_ms", gate.latency_ms), ("size_mb", gate.size_mb)):
        if most is not None:
            listed.append(vetoes.within(name, found[name], high=most))
    if gate.signature == "compatible" and len(found["signatures"]) == 2:
        ours, theirs = found["signatures"]
        listed.append(vetoes.signature(ours["inputs"], theirs["inputs"], (ours["outputs"], theirs["outputs"])))
    return listed + vetoes.behaviour({name: tuple(result) for name, result in found["behaviour"].items()})


def decide(checks: Sequence[Check], evidence: Evidence | None, unit: str = "day") -> Decision:
    """Judge a challenger.

    checks: the vetoes. evidence: of its duel with the champion; None where there is none. unit: of its clusters.
    """
    broken = [check.text for check in checks if not check.passed]
    if broken:
        return Decision("hold", f"held: {'; '.join(broken)}", tuple(checks), evidence)
    if evidence is None:
        return Decision("promote", "promoted: there is no champion yet, and every check passed", tuple(checks))
    said = {
        "promote": f"promoted: {words(evidence, unit)}",
        "hold": f"held: beaten by the champion: {words(evidence, unit)}",
        "wait": f"waits in shadow: {words(evidence, unit)}",
    }[evidence.verdict]
    return Decision(evidence.verdict, said, tuple(checks), evidence)


def facts(decision: Decision) -> dict[str, Any]:
    """Return the numbers of a decision for the ledger."""
    shown = decision.evidence
    broken = [check.name for check in decision.checks if not check.passed]
    numbers = {"vetoes": broken, "beaten": decision.verdict == "hold" and not broken}
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
    against = evidence.verdict == "hold" or (evidence.verdict == "wait" and evidence.champion > evidence.rival)
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
