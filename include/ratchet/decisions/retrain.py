"""Decide whether to ask for a retraining: evidence in; retrain, wait or veto out, with the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.partitions import days_between

Verdict = Literal["retrain", "wait", "veto"]


@dataclass(frozen=True)
class Evidence:
    """What is known on the night of `partition`.

    bad_data: partition -> why, of the days in the monitor's window whose delivery was refused or came empty.
    drifted: columns beyond their calibrated thresholds; `drift_days` the days that were compared.
    live_losses: daily mean losses of the champion on the latest labelled days, oldest first; holdout_loss: its own.
    requested: partitions at which a retraining was already asked for.
    """

    partition: str
    champion: str
    bad_data: dict[str, str]
    drifted: Sequence[str]
    drift_days: int
    live_losses: Sequence[float]
    holdout_loss: float | None
    requested: Sequence[str]


@dataclass(frozen=True)
class Rules:
    """How the evidence is weighed; from `monitor` in the contract."""

    window_days: int
    harm_days: int
    harm_margin: float
    cooldown_days: int


@dataclass(frozen=True)
class Decision:
    """A verdict, its reason, and the key of the evidence: the same evidence has the same key, whenever it is looked at."""

    verdict: Verdict
    reason: str
    key: str = ""


def decide(evidence: Evidence, rules: Rules) -> Decision:
    """Weigh the evidence: causes first, then what vetoes or postpones them.

    The order of nights does not matter: a request `cooldown_days` before or after the partition postpones alike, because
    runs triggered by assets come in any order.
    """
    causes = [cause for cause in (_harm(evidence, rules), _drift(evidence, rules)) if cause]
    if not causes:
        return Decision("wait", "nothing asks for a retraining: no drift beyond the calibrated thresholds, no harm")
    found = "; ".join(text for _, text in causes)
    if evidence.bad_data:
        bad = "; ".join(f"{day}: {why}" for day, why in sorted(evidence.bad_data.items()))
        return Decision("veto", f"{found}. Vetoed: bad data are repaired, not learnt ({bad})")
    near = [day for day in evidence.requested if abs(days_between(day, evidence.partition)) < rules.cooldown_days]
    if near and evidence.partition not in near:
        return Decision("wait", f"{found}. Cooling down: asked on {max(near)}, less than {rules.cooldown_days} days away")
    kinds = "-".join(kind for kind, _ in causes)
    return Decision("retrain", found, f"{kinds}__v{evidence.champion}__{evidence.partition}")


def _harm(evidence: Evidence, rules: Rules) -> tuple[str, str] | None:
    losses = [loss for loss in evidence.live_losses if math.isfinite(loss)][-rules.harm_days :]
    if len(losses) < rules.harm_days or evidence.holdout_loss is None:
        return None
    live, bound = math.fsum(losses) / len(losses), evidence.holdout_loss * (1 + rules.harm_margin)
    if live <= bound:
        return None
    return "harm", (
        f"harm: live loss {live:.4f} over the last {len(losses)} labelled days, above {bound:.4f} "
        f"(the holdout's {evidence.holdout_loss:.4f} and {rules.harm_margin:.0%})"
    )


def _drift(evidence: Evidence, rules: Rules) -> tuple[str, str] | None:
    if not evidence.drifted or evidence.drift_days < rules.window_days:
        return None
    count = f"{len(evidence.drifted)} column{'s' if len(evidence.drifted) > 1 else ''}"
    shown = ", ".join(sorted(evidence.drifted)[:5]) + (", …" if len(evidence.drifted) > 5 else "")
    return "drift", f"drift: {count} beyond the calibrated threshold ({shown})"
