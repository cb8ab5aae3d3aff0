"""The acts of a loop's life: what is looked at, decided, written down and carried out, in which order.

One copy, over a world that brings the facts and has the effects: production's (lifecycle/production.py), the replay's
(replay/simulation.py), and the one of the tests, in which an act may die between any two effects. An act that is done
again completes what is missing, and decides nothing anew. docs/lifecycle.md draws the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ratchet.contract.loop import Loop
from ratchet.decisions import lifecycle, looks, refit, retrain
from ratchet.decisions.checks import Judge
from ratchet.decisions.checks.check import Check
from ratchet.decisions.duel import Gathered, Verdict
from ratchet.decisions.entries import (
    Delayed,
    Entries,
    Entry,
    Judged,
    Promoted,
    Rejected,
    Requested,
    RolledBack,
    Vetoed,
    Won,
    only,
)
from ratchet.decisions.lifecycle import Training
from ratchet.decisions.looks import FirstLook, Measured, Night
from ratchet.decisions.policies import Ask
from ratchet.decisions.policies.facts import NightFacts


class World(Protocol):
    """Where a loop lives. Facts are asked for; each effect is done once a key, and may be the last before a crash."""

    def entries(self) -> Entries:
        """Return the ledger, as it is now."""

    def training(self, run: str) -> Training:
        """Return what is known of a run that was evaluated."""

    def evidence(self, run: str) -> Gathered:
        """Return the days of a challenger's evidence."""

    def keep(self, run: str, gathered: Gathered) -> None:
        """Keep the days of a challenger's evidence."""

    def write(self, entries: Sequence[Entry], decided: Decided) -> None:
        """Write entries down, all or none, with what they rest on. One whose key is there is left as it is."""

    def register(self, won: Won) -> Deployed:
        """Register what has won, and its refit where that is what is deployed."""

    def crown(self, version: str) -> None:
        """Let a version answer as champion."""


@dataclass(frozen=True)
class Deployed:
    """What a promotion registers."""

    version: str
    about: Mapping[str, Any]  # of the entry: the run that is deployed, its data, its day and its minutes


Decided = FirstLook | Night | retrain.Admission | Promoted | Rejected | Delayed  # what entries are written for


@dataclass(frozen=True)
class Look:
    """What a first look has come to: now, or in a call before this one."""

    verdict: Verdict
    entry: Judged
    taken: FirstLook | None  # None where it was taken before


def look(world: World, loop: Loop, run: str, own: Sequence[Judge]) -> Look:
    """Take the first look at a challenger, once."""
    if before := lifecycle.judged(world.entries(), run):
        return Look(lifecycle.verdict(before), before, None)
    found = looks.first_look(loop, world.entries(), world.training(run), world.evidence, own)
    world.keep(run, found.evidence)
    world.write(found.entries, found)
    entry = next(each for each in only(found.entries, Judged) if each.evaluated == run)
    return Look(found.decision.verdict, entry, found)


def duel(world: World, loop: Loop, day: str, measured: Measured, own: Sequence[Judge]) -> Night:
    """Look at the evidence that a night has added, and turn back where that has decided so.

    measured: of the champion. A night that has turned back, or let somebody win, has decided.
    """
    entries = world.entries()
    if back := next((each for each in only(entries, RolledBack) if each.automatic and each.partition == day), None):
        if lifecycle.champion(entries) == back.version:
            world.crown(back.version)
        return Night((back,), said=(back.reason,))
    if done := next((each for each in only(entries, Won) if each.night == day), None):
        return Night((done,), winner=done)
    champion = lifecycle.champion(entries)
    found = looks.night(
        loop, entries, day, champion, measured, lambda each: world.training(each.mlflow_run), world.evidence, own
    )
    world.write(found.entries, found)
    for back in only(found.entries, RolledBack):
        world.crown(back.version)
    return found


def decide(world: World, loop: Loop, facts: NightFacts, asking: Mapping[str, Ask]) -> retrain.Admission:
    """Ask for a retraining where the night's evidence calls for one, once."""
    asked = [*only(world.entries(), Requested), *only(world.entries(), Vetoed)]
    if before := next((each for each in asked if each.partition == facts.partition), None):
        return retrain.Admission("retrain" if isinstance(before, Requested) else "veto", before.reason, before.evidence)
    decision = retrain.decide(facts, loop.retrain, asking)
    world.write(lifecycle.admitted(decision, facts.partition, facts.champion), decision)
    return decision


def refuse(world: World, won: Won, why: str, **about: Any) -> Rejected:
    """Refuse a challenger that has won, for its refit."""
    entry = lifecycle.refused(won, why, **about)
    world.write([entry], entry)
    return entry


def settle(world: World, won: Won, listed: Sequence[Check], **about: Any) -> Rejected | Delayed | None:
    """Settle what checks of its refit say of a challenger that has won; None where it may be promoted."""
    if why := refit.refusal(listed):
        return refuse(world, won, f"rejected: {why}", failed=refit.failed(listed), **about)
    if why := refit.delay(listed):
        entry = lifecycle.delayed(won, f"waits: {why}", [check.name for check in listed if check.delays])
        world.write([entry], entry)
        return entry
    return None


def promote(
    world: World, loop: Loop, run: str, approval: Mapping[str, Any] | None = None
) -> Promoted | Rejected | None:
    """Make a run that has won champion, once; or refuse it, where a person said no or another was faster.

    None where it has not won. An answer that comes late, or twice, finds what was decided, and changes nothing.
    """
    entries = world.entries()
    done = next((each for each in only(entries, Promoted) if each.evaluated == run), None)
    if done:
        if lifecycle.champion(entries) == done.version:
            world.crown(done.version)
        return done
    won = lifecycle.won(entries, run)
    if won is None:
        return None
    if no := lifecycle.forbidden(entries, won, approval, loop.gate.approval_hours):
        world.write([no], no)
        return no
    deployed = world.register(won)
    entry = lifecycle.promoted(won, deployed.version, approval=approval, **deployed.about)
    world.write([entry], entry)
    world.crown(entry.version)
    return entry
