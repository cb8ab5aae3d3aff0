"""A story, lived: runs of nights and of trainings, steps interleaved by chance, each by the acts of production."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ratchet.contract.loop import Loop
from ratchet.decisions import acts, lifecycle, shadows
from ratchet.decisions import nights as order
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Asked, Paused, Promoted, Resumed, RolledBack, only
from ratchet.lifecycle import nights
from ratchet.partitions import shift
from tests.simulation import facts
from tests.simulation.facts import NAME
from tests.simulation.invariants import Invariants
from tests.simulation.story import QUIET, Story, day
from tests.simulation.world import Died, World

Step = tuple[str, Callable[[], bool]]  # says whether it is done: one whose turn has not come is not
TRIES = 4  # of a step, before its night is given up


@dataclass
class Run:
    """A run of a DAG: steps that are still to be done, the next one first."""

    key: str
    night: str
    steps: list[Step]
    done: list[Step] = field(default_factory=list)
    tries: int = 0
    training: bool = False


@dataclass
class Life:
    """A life under way."""

    story: Story
    loop: Loop
    world: World
    invariants: Invariants
    rng: random.Random
    runs: list[Run] = field(default_factory=list)
    asleep: list[str] = field(default_factory=list)  # nights whose runs begin together with the next
    refused: set[str] = field(default_factory=set)
    published: list[str] = field(default_factory=list)
    asks: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # night -> promotions that a person answers
    done: list[tuple[str, Run, int]] = field(default_factory=list)  # steps that may be cleared, and run again
    plans: dict[str, int] = field(default_factory=dict)  # step -> effects before it dies, this night
    stubborn: set[str] = field(default_factory=set)  # steps that die for good, this night


def live(story: Story) -> World:
    """Live a story. Raises Broken where an invariant does not hold."""
    loop = facts.loop_of(story.rules)
    invariants = Invariants(loop)
    life = Life(story, loop, World([invariants]), invariants, random.Random(story.seed + 1))
    life.world.night = day(-1)
    life.runs.append(_training(life, "first-champion", day(-1)))
    _work(life)
    had = None  # the champion when the quiet began
    for night in range(story.nights):
        if night == story.nights - QUIET:
            had = invariants.champion
        _begin(life, night)
        _work(life)
        if not life.runs and not any(each.kind == "killed" for each in story.on(night)):
            invariants.between(life.world)
    quiet = [day(n) for n in range(max(0, story.nights - QUIET), story.nights)]
    went_wrong = any(each.night >= story.nights - QUIET for each in story.events)
    _settle(life)
    asking = quiet[-QUIET // 2 :] if had and not went_wrong and not _blocked(life) else []
    invariants.at_rest(life.world, asking, [each.partition for each in nights.opened(_registry(life), NAME)])
    return life.world


def _blocked(life: Life) -> bool:
    """Say whether the contract itself keeps the loop from asking."""
    rules = life.story.rules
    return max(rules.calendar, rules.cooldown, 7 if rules.per_week else 0) > QUIET // 3


def _begin(life: Life, night: int) -> None:
    """Let happen what happens before and on a night, and begin its runs."""
    partition, events = day(night), life.story.on(night)
    life.plans = {each.what: each.number for each in events if each.kind == "dies"}
    life.stubborn = {each.what for each in events if each.kind == "killed"}
    kinds = {each.kind for each in events}
    if "refused" in kinds:
        life.refused.add(partition)
    for each in events:
        if each.kind == "says":
            _say(life, each.what, partition)
        elif each.kind == "rollback":
            _roll_back(life)
        elif each.kind == "by_hand" and life.published:
            life.runs.append(_training(life, f"by-hand-{partition}", life.published[-1]))
        elif each.kind == "cleared" and life.done:
            again = [step for step in life.done if step[0] == each.what] or life.done
            _, run, place = again[-1 - each.number % len(again)]
            life.runs.append(
                Run(f"cleared-{partition}", run.night, [*run.done[place:], *run.steps])
            )  # and what is after it
        elif each.kind == "correction" and life.world.held:
            _correct(life, shift(partition, -2 - each.number))
    for run, mlflow_run, answer in [(r, r, a) for r, a in life.asks.pop(partition, [])]:
        life.runs.append(_answer(life, run, mlflow_run, answer))
    if "asleep" in kinds:
        life.asleep.append(partition)
        return
    for each in [*life.asleep, partition]:
        life.runs.append(_night(life, each, "rests" in kinds))
    life.asleep = []


def _work(life: Life) -> None:
    """Do the steps of all runs, in an order drawn by chance, until nothing is left that can be done."""
    idle = 0
    while life.runs and idle <= 3 * len(life.runs):
        run = life.rng.choice(life.runs)
        name, step = run.steps[0]
        life.world.dies = life.plans.pop(name, None)
        if name in life.stubborn:
            life.world.dies = 0
        try:
            finished = step()
        except Died:
            run.tries += 1
            if run.tries >= TRIES:
                life.runs.remove(run)
                life.stubborn.discard(name)
                _give_up(life, run)
            continue
        finally:
            life.world.dies = None
        if not finished:
            idle += 1
            continue
        idle, run.tries = 0, 0
        life.done = [*life.done[-40:], (name, run, len(run.done))]
        run.done.append(run.steps.pop(0))
        if not run.steps:
            life.runs.remove(run)


def _settle(life: Life) -> None:
    """Answer all questions, and end the nights that wait for a training that is judged."""
    for asked in [*life.asks.values()]:
        for run, answer in asked:
            life.runs.append(_answer(life, run, run, answer))
    life.asks = {}
    _work(life)
    nights.settle(_registry(life), life.loop)


def _night(life: Life, night: str, rests: bool) -> Run:
    """Return the run of a night: ingest, score and monitor."""
    world, loop = life.world, life.loop
    run = Run(f"night__{night}", night, [])

    def turn() -> bool:
        gap = order.missing(night, nights.known(_registry(life), NAME))
        nights.settle(_registry(life), loop)
        nights.begin(_registry(life), loop, {**gap.runs, night: run.key})
        return True

    def publish() -> bool:
        if nights.waits_for(_registry(life), NAME, night, run.key):
            return False
        nights.settle(_registry(life), loop)
        if night in life.refused or rests:
            nights.end(_registry(life), loop, [night], "refused" if night in life.refused else "rested", "so it came")
            del run.steps[1:]
            return True
        if night not in life.published:
            life.published.append(night)
            world.night = max(night, world.night)
        if lifecycle.champion(world.entries()) is None and not shadows.challengers(world.entries()):
            nights.end(_registry(life), loop, [night], "published", "no champion")
            run.steps[1:] = []
        return True

    steps = {"turn": turn, "publish": publish, **_monitor(life, run, night)}
    run.steps = list(steps.items())
    return run


def _monitor(life: Life, run: Run, night: str) -> dict[str, Callable[[], bool]]:
    world, loop, registry = life.world, life.loop, _registry(life)

    def score() -> bool:
        if nights.waits_for(registry, NAME, night):
            return False
        champion = lifecycle.champion(world.entries())
        if champion and world.alias != champion:  # as lifecycle/ledger.py heals it, where a promotion died for good
            world.crown(champion)
        return True

    def performance() -> bool:
        facts.extend(life, night)
        return True

    def decide() -> bool:
        champion = lifecycle.champion(world.entries()) or ""
        if not nights.may_decide(registry, NAME, night):
            return True
        found = acts.decide(world, loop, facts.night_facts(life, night, champion), facts.asking(life.story.rules))
        if found.verdict == "retrain" and run in life.runs:
            run.steps.insert(-1, ("retrain", lambda: _retrain(life, found.key, night)))
        return True

    def look() -> bool:
        if nights.may_decide(registry, NAME, night):
            champion = lifecycle.champion(world.entries())
            found = acts.duel(world, loop, night, facts.measured(life, night), [])
            life.invariants.looked(world, night, champion)
            if found.winner and run in life.runs:
                won = found.winner.evaluated
                run.steps[1:1] = [("refit", lambda: _refit(life, won)), ("promote", lambda: _promote(life, won, night))]
        return True

    def close() -> bool:
        training = order.asked(night, world.entries())
        ended = nights.ended(registry, NAME, night)
        if not (ended and ended["state"] == "published"):
            if training:
                nights.wait_for_training(registry, loop, night, training)
            else:
                nights.end(registry, loop, [night], "published", "lived")
        return True

    return {"score": score, "performance": performance, "decide": decide, "duel": look, "close": close}


def _retrain(life: Life, key: str, night: str) -> bool:
    """Start a training; one of that key that has been started is not started again."""
    if not any(run.key == key for run in life.runs) and key not in life.world.trainings:
        life.runs.append(_training(life, key, night))
    return True


def _training(life: Life, key: str, night: str) -> Run:
    world, loop = life.world, life.loop
    run = Run(key, night, [], training=True)

    def evaluate() -> bool:
        if not lifecycle.judged(world.entries(), key):
            world.effect()
            world.trainings[key] = facts.evaluated(life, key, night)
        return True

    def gate() -> bool:
        if acts.look(world, loop, key, []).verdict == "promote" and run in life.runs:
            run.steps[1:] = [("refit", lambda: _refit(life, key)), ("promote", lambda: _promote(life, key, night))]
        return True

    run.steps = [("evaluate", evaluate), ("gate", gate)]
    return run


def _refit(life: Life, key: str) -> bool:
    won = lifecycle.won(life.world.entries(), key)
    if won is None or life.loop.gate.deploy != "refit":
        return True
    if facts.drawn(life, key, "refit").random() < 0.05:
        acts.refuse(life.world, won, "rejected: the refit is far away")
    else:
        life.world.effect()
        life.world.refits[key] = f"{key}.refit"
    return True


def _promote(life: Life, key: str, night: str) -> bool:
    """Promote; where a person is asked, the answer comes some nights later, twice, or never."""
    if not life.loop.gate.approval:
        acts.promote(life.world, life.loop, key)
        return True
    late = next((each.number for each in life.story.events if each.kind == "answer" and day(each.night) >= night), 0)
    for delay in {late % 4, late} if late < 5 else set():
        life.asks.setdefault(shift(max(night, life.world.night), delay + 1), []).append((key, late))
    return True


def _answer(life: Life, key: str, mlflow_run: str, number: int) -> Run:
    said = {"answer": "Reject" if number == 3 else "Approve", "by": "ada"}

    def answer() -> bool:
        acts.promote(life.world, life.loop, mlflow_run, said)
        return True

    return Run(f"answer-{key}-{number}", life.world.night, [("answer", answer)])


def _give_up(life: Life, run: Run) -> None:
    """Give a run's night up."""
    night = order.night_of(run.key, life.world.entries()) if run.training else run.night
    if night and not run.key.startswith(("answer", "cleared")):
        registry = _registry(life)
        if nights.ended(registry, NAME, night) is None:
            nights.end(registry, life.loop, [night], "given_up", "a task failed")


def _say(life: Life, what: str, night: str) -> None:
    number, kind = len(life.world.ledger_), {"pause": Paused, "resume": Resumed, "ask": Asked}[what]
    life.world.write([kind(key=f"{what}:{number}", reason="a person", night=night)], "")


def _roll_back(life: Life) -> None:
    """Let a person roll back, as `ratchet rollback` does."""
    entries = life.world.entries()
    promoted = [each for each in only(entries, Promoted) if each.version == lifecycle.champion(entries)]
    if promoted and promoted[-1].replaces:
        back, number = promoted[-1].replaces, len(entries)
        entry = RolledBack(key=f"rolled_back:{number}", version=back, left=promoted[-1].version, mlflow_run="")
        life.world.write([entry], "")
        life.world.crown(back)


def _correct(life: Life, when: str) -> None:
    """Let a day's labels be corrected: who was compared on it is compared again, as known from now."""

    def changed(days: tuple[Cluster, ...]) -> tuple[Cluster, ...]:
        return tuple(Cluster(c.key, c.rows, c.total + 0.5, 0) if c.key == when else c for c in days)

    for run, held in [*life.world.held.items()]:
        life.world.held[run] = Gathered(changed(held.days), held.anchor, changed(held.anchored))


def _registry(life: Life) -> Any:
    """Return the world as the registry's reader and writer."""
    return life.world
