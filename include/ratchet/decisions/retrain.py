"""Admit a retraining, or not: evidence in; retrain, wait or veto out, with the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ratchet.contract.rules import Retrain
from ratchet.decisions import coverage, policies
from ratchet.decisions.policies import Ask, degradation
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import days_between, shift

Verdict = Literal["retrain", "wait", "veto"]
NOTHING = "nothing asks for a retraining"


@dataclass(frozen=True)
class Admission:
    """A verdict with its reason."""

    verdict: Verdict
    reason: str
    key: str = ""  # of the evidence: the same has the same key, whenever it is looked at


def decide(facts: NightFacts, rules: Retrain, asking: Mapping[str, Ask]) -> Admission:
    """Weigh what is known: what asks first, then what vetoes or postpones it.

    Days that never came are told, and so is a degradation that cannot be looked for.

    The order of nights does not matter: a request within the cool-down before or after the partition postpones alike,
    because runs triggered by assets come in any order.
    """
    found = _weigh(facts, rules, asking)
    missed = coverage.told(facts.never_came, facts.drift_window)
    silent = degradation.silence(facts) if "degradation" in asking else ""
    return replace(found, reason=". ".join(each for each in (found.reason, missed, silent) if each))


def _weigh(facts: NightFacts, rules: Retrain, asking: Mapping[str, Ask]) -> Admission:
    causes = policies.causes(facts, asking)
    if not causes:
        return Admission("wait", NOTHING)
    found = "; ".join(text for _, text in causes)
    if facts.bad_data:
        bad = "; ".join(f"{day}: {why}" for day, why in sorted(facts.bad_data.items()))
        return Admission("veto", f"{found}. Vetoed: bad data are repaired, not learnt ({bad})")
    for postpone in (_paused, _pending, _cooling, _spent):
        if why := postpone(facts, rules):
            return Admission("wait", f"{found}. {why}")
    kinds = "-".join(kind for kind, _ in causes)
    return Admission("retrain", found, f"{kinds}__v{facts.champion}__{facts.partition}")


def _paused(facts: NightFacts, _: Retrain) -> str | None:
    return f"Paused: {facts.paused}" if facts.paused else None


def _pending(facts: NightFacts, _: Retrain) -> str | None:
    return f"Absorbed by {facts.pending[-1]}, which is queued or runs" if facts.pending else None


def _cooling(facts: NightFacts, rules: Retrain) -> str | None:
    days = [day for day in facts.requested if day != facts.partition]
    near = [day for day in days if abs(days_between(day, facts.partition)) < rules.cooldown]
    return f"Cooling down: asked on {max(near)}, less than {rules.cooldown} days away" if near else None


def _spent(facts: NightFacts, rules: Retrain) -> str | None:
    """Compare the week's budget with what the last seven days have spent."""
    first = shift(facts.partition, -6)
    count = sum(first <= day < facts.partition for day in facts.requested)
    if rules.per_week is not None and count >= rules.per_week:
        return f"The week's budget is spent: {count} retrainings of {rules.per_week} since {first}"
    minutes = math.fsum(spent for day, spent in facts.minutes.items() if first <= day <= facts.partition)
    if rules.minutes_per_week is not None and minutes >= rules.minutes_per_week:
        return (
            f"The week's budget is spent: {minutes:.1f} minutes of training of {rules.minutes_per_week:g} since {first}"
        )
    return None
