"""The facts of a simulated life: how good a model is, what is known on a night; drawn, the same each time."""

from __future__ import annotations

import random
from functools import cache
from typing import TYPE_CHECKING, Any

from ratchet import catalog
from ratchet.contract.loop import Loop
from ratchet.decisions import duel, lifecycle, requests, shadows
from ratchet.decisions.duel import Cluster
from ratchet.decisions.entries import Promoted, only
from ratchet.decisions.evaluation import Evaluation
from ratchet.decisions.lifecycle import Training
from ratchet.decisions.policies.facts import NightFacts
from ratchet.partitions import days_between, shift
from tests.simulation.story import Rules

if TYPE_CHECKING:
    from tests.simulation.life import Life

NAME, HELD, ROWS = "simulated", 3, 10


def evaluated(life: Life, key: str, night: str) -> Training:
    """Train and evaluate: how good a model is, is drawn from its key."""
    champion = lifecycle.champion(life.world.entries())
    last = shift(night, -life.loop.label_delay_days)
    held = [shift(last, n - HELD + 1) for n in range(HELD)]
    days = tuple(map(tuple, duel.dump(compared(life, key, last, HELD)))) if champion else None
    found = Evaluation.model_construct(
        champion=champion,
        days={each: {"rows": float(ROWS), "challenger": 1.0} for each in held},
        metrics={"challenger": {"mae": 1.0}},
        compared=days,
        challenger_loss=1.0,
        champion_loss=1.0 if champion else None,
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


def extend(life: Life, night: str) -> None:
    """Add the labelled days to the evidence of those who wait."""
    champion, last = lifecycle.champion(life.world.entries()), shift(night, -life.loop.label_delay_days)
    for each in shadows.challengers(life.world.entries()):
        if each.champion == champion:
            known = life.world.evidence(each.mlflow_run)
            newest = max((c.key for c in known), default=shift(each.since, -1))
            count = days_between(newest, last)
            if count > 0:
                life.world.keep(each.mlflow_run, [*known, *compared(life, each.mlflow_run, last, count)])


def compared(life: Life, run: str, last: str, count: int) -> list[Cluster]:
    """Compare a model with the champion of now on the days up to `last`: how much better it is, is drawn."""
    quality = drawn(life, run, "quality").gauss(0, 0.15)
    found = []
    for n in range(count):
        when = shift(last, n - count + 1)
        found.append(Cluster(when, ROWS, ROWS * (quality + drawn(life, run, when).gauss(0, 0.05))))
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
    }
    retrain = {"cooldown_days": rules.cooldown, "per_week": rules.per_week}
    update: dict[str, Any] = {
        "name": NAME,
        "gate": loop.gate.model_copy(update=gate),
        "retrain": loop.retrain.model_copy(update=retrain),
    }
    return loop.model_copy(update=update)
