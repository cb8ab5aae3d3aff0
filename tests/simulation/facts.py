"""The facts of a simulated life: how good a model is, what is known on a night; drawn, the same each time."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING, Any

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, lifecycle, looks, requests, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Promoted, only
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.lifecycle import Training
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import days_between, shift
from tests.simulation.story import Rules, day

if TYPE_CHECKING:
    from tests.simulation.life import Life

NAME, HELD, ROWS = "simulated", 3, 10
PREDECESSOR = 9  # days of its duel
TURN = 0.3  # by which a model comes to be worse than an anchor


def evaluated(life: Life, key: str, night: str) -> Training:
    """Train and evaluate: how good a model is, is drawn from its key."""
    entries = life.world.entries()
    champion, now = lifecycle.champion(entries), anchors.anchor(entries)
    last = shift(night, -life.loop.label_delay_days)
    held = [shift(last, n - HELD + 1) for n in range(HELD)]
    days = _dumped(compared(life, key, last, HELD)) if champion else None
    anchor = now.name if now else shadows.baseline(key)
    found = Evaluation.model_construct(
        champion=champion,
        days={each: {"rows": float(ROWS), "challenger": 1.0} for each in held},
        metrics={"challenger": {"mae": 1.0}},
        compared=days,
        anchor=anchor,
        anchored=days if anchor == champion else _dumped(compared(life, key, last, HELD, anchor)),
        challenger_loss=1.0,
        champion_loss=1.0 if champion else None,
        baseline_loss=1.0,
        slices={},
        fairness={},
        behaviour={},
        latency_ms=1.0,
        size_mb=1.0,
        signatures=(),
        unaccepted={},
        first=None,
    )
    return Training(key, key, "recipe", found, 1.0)


def _dumped(days: list[Cluster]) -> tuple[tuple[str, int, float, int], ...]:
    return tuple((each.key, each.rows, each.total, each.undefined) for each in days)


def extend(life: Life, night: str) -> None:
    """Add the labelled days to the evidence of those who wait, and to the champion's own against the anchor."""
    entries, last = life.world.entries(), shift(night, -life.loop.label_delay_days)
    champion, now = lifecycle.champion(entries), anchors.anchor(entries)
    for each in shadows.challengers(entries):
        if each.champion == champion:
            run, held = each.mlflow_run, life.world.evidence(each.mlflow_run)
            anchor = now.name if now else held.anchor
            days = _grown(life, run, held.days, each.since, last) if champion else ()
            _keep(life, run, Gathered(days, anchor, days if anchor == champion else _anchored(life, run, anchor, last)))
    if champion and now and now.name != champion:
        run = lifecycle.evaluated(entries, champion) or ""
        _keep(life, run, Gathered(life.world.evidence(run).days, now.name, _anchored(life, run, now.name, last)))


def measured(life: Life, night: str) -> looks.Measured:
    """Return what a night has measured of the champion."""
    entries, last = life.world.entries(), shift(night, -life.loop.label_delay_days)
    champion, now, before = lifecycle.champion(entries), anchors.anchor(entries), shadows.predecessor(entries)
    if champion is None or now is None:
        return looks.Measured(1.0)
    run = lifecycle.evaluated(entries, champion) or ""
    held = life.world.evidence(run)
    own = Gathered((), now.name) if now.name == champion else Gathered((), held.anchor, held.anchored)
    shadowed = compared(life, before.version, last, PREDECESSOR) if before else []
    return looks.Measured(1.0, tuple(shadowed), own, lambda: _grown(life, run, (), since(life, run), last, now.best))


def _anchored(life: Life, run: str, anchor: str, last: str) -> tuple[Cluster, ...]:
    held = life.world.evidence(run)
    return _grown(life, run, held.anchored if held.anchor == anchor else (), since(life, run), last, anchor)


def since(life: Life, run: str) -> str:
    """Return the first day of a run's holdout."""
    return min(life.world.training(run).evaluation.days)


def _grown(
    life: Life, run: str, known: tuple[Cluster, ...], first: str, last: str, *anchor: str
) -> tuple[Cluster, ...]:
    newest = max((each.key for each in known), default=shift(first, -1))
    return (*known, *compared(life, run, last, max(0, days_between(newest, last)), *anchor))


def _keep(life: Life, run: str, whole: Gathered) -> None:
    if whole != life.world.evidence(run):
        life.world.keep(run, whole)


def compared(life: Life, run: str, last: str, count: int, *anchor: str) -> list[Cluster]:
    """Compare a model with the champion of now, or an anchor, on the days up to `last`: how much better is drawn.

    Most are better than a baseline, few better than an older model by what is proved soon. Against an anchor some turn:
    the world comes to be one that the older knew better.
    """
    chance = drawn(life, run, *anchor, "quality")
    mean, spread = (0.0, 0.15) if not anchor else (-0.3, 0.2) if shadows.trained_with(*anchor) else (-0.05, 0.15)
    quality, turns = chance.gauss(mean, spread), day(chance.randint(0, 2 * life.story.nights)) if anchor else ""
    found = []
    for n in range(count):
        when = shift(last, n - count + 1)
        now = quality + (TURN if turns and when >= turns else 0) + drawn(life, run, *anchor, when).gauss(0, 0.05)
        found.append(Cluster(when, ROWS, ROWS * now))
    return found


def night_facts(life: Life, night: str, champion: str) -> NightFacts:
    """Gather what is known on a night."""
    entries, loop = life.world.entries(), life.loop
    window = range(loop.monitor.window_days)
    bad = {when: "refused" for n in window if (when := shift(night, -n)) in life.refused}
    trained = max((each.day for each in only(entries, Promoted) if each.version == champion), default="")
    return NightFacts(
        partition=night,
        champion=champion,
        trained=trained,
        bad_data=bad,
        **requests.facts(entries, night, loop.label_delay_days),
    )


def asking(rules: Rules) -> dict[str, Any]:
    """Return the policies: a calendar."""

    def calendar(facts: NightFacts) -> str | None:
        last = max([facts.trained, *facts.requested])
        return "calendar" if not last or days_between(last, facts.partition) >= rules.calendar else None

    return {"calendar": calendar}


def drawn(life: Life, *names: str) -> random.Random:
    """Return chance as it is for these names, in this life."""
    return random.Random(f"{life.story.seed}:{':'.join(names)}")


@cache
def loop_of(rules: Rules) -> Loop:
    """Return the contract of a story."""
    loop = catalog.load("flight_delays")
    gate = {
        "floors": {},
        "slices": None,
        "fairness": None,
        "latency_ms": None,
        "size_mb": None,
        "behaviour": None,
        "bound": 1.0,
        "aim": rules.aim,
        "margin": 0.1 if rules.aim == "non_inferior" else 0.0,
        "deploy": rules.deploy,
        "approval": rules.approval,
        "shadows": rules.shadows,
        "patience_days": rules.patience,
        "level": 0.2,
        "anchor_days": rules.anchor_days,
    }
    retrain = {"cooldown_days": rules.cooldown, "per_week": rules.per_week}
    update: dict[str, Any] = {
        "name": NAME,
        "gate": loop.gate.model_copy(update=gate),
        "retrain": loop.retrain.model_copy(update=retrain),
    }
    return loop.model_copy(update=update)
