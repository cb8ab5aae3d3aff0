"""Admit a retraining, or not: evidence in; retrain, wait or veto out, with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ratchet.contract.rules import Retrain
from ratchet.decisions import policies
from ratchet.decisions.policies import Evidence
from ratchet.partitions import days_between, shift

Verdict = Literal["retrain", "wait", "veto"]


@dataclass(frozen=True)
class Decision:
    """A verdict, its reason, and the key of the evidence.

    The same evidence has the same key, whenever it is looked at.
    """

    verdict: Verdict
    reason: str
    key: str = ""


def decide(evidence: Evidence, rules: Retrain) -> Decision:
    """Weigh the evidence: what asks first, then what vetoes or postpones it.

    The order of nights does not matter: a request `cooldown_days` before or after the partition postpones alike,
    because runs triggered by assets come in any order.
    """
    causes = policies.causes(evidence, rules.policies)
    if not causes:
        return Decision("wait", "nothing asks for a retraining")
    found = "; ".join(text for _, text in causes)
    if evidence.bad_data:
        bad = "; ".join(f"{day}: {why}" for day, why in sorted(evidence.bad_data.items()))
        return Decision("veto", f"{found}. Vetoed: bad data are repaired, not learnt ({bad})")
    for postpone in (_paused, _pending, _cooling, _spent):
        if why := postpone(evidence, rules):
            return Decision("wait", f"{found}. {why}")
    kinds = "-".join(kind for kind, _ in causes)
    return Decision("retrain", found, f"{kinds}__v{evidence.champion}__{evidence.partition}")


def _paused(evidence: Evidence, _: Retrain) -> str | None:
    return f"Paused: {evidence.paused}" if evidence.paused else None


def _pending(evidence: Evidence, _: Retrain) -> str | None:
    return f"Absorbed by {evidence.pending[-1]}, which is queued or runs" if evidence.pending else None


def _cooling(evidence: Evidence, rules: Retrain) -> str | None:
    days = [day for day in evidence.requested if day != evidence.partition]
    near = [day for day in days if abs(days_between(day, evidence.partition)) < rules.cooldown_days]
    return f"Cooling down: asked on {max(near)}, less than {rules.cooldown_days} days away" if near else None


def _spent(evidence: Evidence, rules: Retrain) -> str | None:
    """Compare the week's budget with what the last seven days have spent."""
    first = shift(evidence.partition, -6)
    count = sum(first <= day < evidence.partition for day in evidence.requested)
    if rules.per_week is not None and count >= rules.per_week:
        return f"The week's budget is spent: {count} retrainings of {rules.per_week} since {first}"
    minutes = math.fsum(spent for day, spent in evidence.minutes.items() if first <= day <= evidence.partition)
    if rules.minutes_per_week is not None and minutes >= rules.minutes_per_week:
        return (
            f"The week's budget is spent: {minutes:.1f} minutes of training of {rules.minutes_per_week:g} since {first}"
        )
    return None
