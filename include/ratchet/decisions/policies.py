"""Policies: what may ask for a retraining.

Each is a function of the night's evidence; several may be named, and any one is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ratchet.contract.rules import Calendar, CostAware, Drift, Harm, Policies
from ratchet.decisions import duel, staleness
from ratchet.decisions.duel import Cluster
from ratchet.partitions import days_between


@dataclass(frozen=True)
class Evidence:
    """What is known on the night of `partition`.

    champion: its version. trained: the night of its training, whose labels it was trained or judged on. drifted:
    columns beyond their calibrated thresholds; drift_days of drift_window were compared. live: day -> loss of the
    champion on its labelled days since it went live; estimated: of its days whose labels have not come. holdout: its
    daily losses on its holdout. news: what it has missed, a value a day since its training. past: first looks of
    earlier duels. asked: who asked for a retraining since the last one, and why. bad_data: partition -> why, of the
    days in the monitor's window whose delivery was refused. requested: night -> key of earlier requests; pending: those
    without an outcome; minutes: night -> minutes of training. paused: why, where somebody has paused the loop.
    """

    partition: str
    champion: str
    trained: str = ""
    drifted: Sequence[str] = ()
    drift_days: int = 0
    drift_window: int = 1
    live: dict[str, float] = field(default_factory=dict)
    estimated: dict[str, float] = field(default_factory=dict)
    holdout: Sequence[float] = ()
    news: Sequence[float] = ()
    past: Sequence[staleness.Compared] = ()
    asked: Sequence[str] = ()
    bad_data: dict[str, str] = field(default_factory=dict)
    requested: dict[str, str] = field(default_factory=dict)
    pending: Sequence[str] = ()
    minutes: dict[str, float] = field(default_factory=dict)
    paused: str = ""


def causes(evidence: Evidence, policies: Policies) -> list[tuple[str, str]]:
    """Ask each policy that is named: what asks, and why. A person comes first."""
    found = [("request", f"asked for by {'; '.join(evidence.asked)}")] if evidence.asked else []
    ask: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("harm", lambda: harm(evidence, policies.harm) if policies.harm else None),
        ("drift", lambda: drift(evidence, policies.drift) if policies.drift else None),
        ("cost", lambda: cost_aware(evidence, policies.cost_aware) if policies.cost_aware else None),
        ("calendar", lambda: calendar(evidence, policies.calendar) if policies.calendar else None),
    )
    return found + [(name, why) for name, policy in ask if (why := policy())]


def calendar(evidence: Evidence, rule: Calendar) -> str | None:
    """Ask every so many days."""
    last = max([evidence.trained, *evidence.requested])
    age = days_between(last, evidence.partition) if last else 0
    return f"calendar: {age} days since the last training, one every {rule.days}" if age >= rule.days else None


def drift(evidence: Evidence, rule: Drift) -> str | None:
    """Ask where columns are beyond the thresholds that unchanged days exceed a stated number of times a year."""
    if len(evidence.drifted) < rule.columns or evidence.drift_days < evidence.drift_window:
        return None
    count = f"{len(evidence.drifted)} column{'s' if len(evidence.drifted) > 1 else ''}"
    shown = ", ".join(sorted(evidence.drifted)[:5]) + (", …" if len(evidence.drifted) > 5 else "")
    return f"drift: {count} beyond the calibrated threshold ({shown})"


def harm(evidence: Evidence, rule: Harm) -> str | None:
    """Ask where the live loss has risen above the holdout's by more than a margin.

    At most `level` of unharmed champions ever cause it.

    After Podkopaev & Ramdas 2022, "Tracking the risk of a deployed model and detecting harmful distribution shifts",
    section 2.2: an upper bound of the source's risk at half the level, a time-uniform test of the live risk against it
    at the other half. The bound is Student's over the holdout's days, the test the duel's bettor. Days whose labels
    have not come count with their estimated loss where labels alone do not say.
    """
    if len(evidence.holdout) < 2 or (not evidence.live and not evidence.estimated):
        return None
    bound = _upper(evidence.holdout, rule.level / 2)
    margin = rule.margin * abs(math.fsum(evidence.holdout) / len(evidence.holdout))
    widest = max(abs(bound), 3 * margin, 1e-9)

    def capital(days: dict[str, float]) -> float:
        """Return the log capital of the bettor on "the live loss exceeds the bound by more than the margin"."""
        clusters = [Cluster(day, 1, bound - loss) for day, loss in sorted(days.items()) if math.isfinite(loss)]
        return duel.curve(clusters, margin=-margin, bound=widest)[-1][0] if clusters else 0.0

    needed = math.log(2 / rule.level)
    if capital(evidence.live) >= needed:
        return (
            f"harm: {_mean(evidence.live)}, above the {bound:.4f} that its holdout bounds it by, and {rule.margin:.0%}"
        )
    if evidence.estimated and capital(evidence.live | evidence.estimated) >= needed:
        found = (
            f"{_mean(evidence.live | evidence.estimated)}, {len(evidence.estimated)} of them estimated without labels"
        )
        return f"harm: {found}, above the {bound:.4f} that its holdout bounds it by, and {rule.margin:.0%}"
    return None


def cost_aware(evidence: Evidence, rule: CostAware) -> str | None:
    """Ask where what staleness will have cost by the next look exceeds the price of a retraining, both in the loss's units times days.

    The rule of the ski rental: buy when the rent has come to the price (Karlin et al. 1988, "Competitive snoopy caching", section 2). Where
    the excess grows evenly it is also the interval that costs least. What a stale day costs is learnt (`staleness`); compare CARA (arXiv
    2310.04216) and UPF (arXiv 2505.14903).
    """
    if not evidence.holdout or not evidence.news:
        return None
    slope = staleness.slope(evidence.past, math.fsum(evidence.holdout) / len(evidence.holdout), evidence.partition)
    cost = slope * math.fsum([*evidence.news, evidence.news[-1]])
    if cost < rule.cost:
        return None
    days = len(evidence.news)
    return f"cost: {days} stale days will have cost {cost:.4f} (loss times days) by the next look, above {rule.cost:g} for a retraining"


def _mean(days: dict[str, float]) -> str:
    known = [loss for loss in days.values() if math.isfinite(loss)]
    return f"live loss {math.fsum(known) / len(known):.4f} over {len(known)} days"


def _upper(values: Sequence[float], level: float) -> float:
    """Return Student's upper confidence bound of a mean."""
    from scipy import stats

    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return mean + float(stats.t.isf(level, n - 1)) * spread
