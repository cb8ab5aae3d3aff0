"""What holds whatever happens: looked at with each write, and when all has come to rest. In docs/lifecycle.md, too."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.contract.loop import Loop
from ratchet.decisions import anchors, lifecycle, shadows
from ratchet.decisions.entries import (
    Anchored,
    Certified,
    Entry,
    Judged,
    Left,
    Paused,
    Promoted,
    Rejected,
    Requested,
    Resumed,
    RolledBack,
    Vetoed,
    Waiting,
    Won,
    only,
)
from ratchet.partitions import days_between, shift
from tests.simulation.world import World


class Broken(AssertionError):
    """An invariant does not hold."""


class Invariants:
    """What holds of one life. Called with the entries that are about to be written."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.champion: str | None = None
        self.was: list[str] = []  # versions that have been champion
        self.anchor = ""  # its name; empty before the first champion
        self.best = ""  # of the anchors
        self.before: list[str] = []  # former anchors
        self.refused: set[str] = set()  # runs
        self.won: dict[str, Won] = {}
        self.requested: list[str] = []  # nights
        self.paused = False
        self.waiting: dict[str, None] = {}  # runs

    def __call__(self, world: World, fresh: Sequence[Entry]) -> None:
        """Look at entries that are written."""
        _say(len({entry.key for entry in fresh}) == len(fresh), "an entry is written once a key", fresh)
        for entry in fresh:
            self._entry(world, entry)
        now = anchors.anchor([*world.entries(), *fresh])
        _say((now.name if now else "") == self.anchor, "the anchor moves by its own entries alone", now)
        _say(len(self.waiting) <= self.loop.gate.shadows, "no more wait in shadow than the contract lets", self.waiting)

    def _entry(self, world: World, entry: Entry) -> None:
        if isinstance(entry, Waiting):
            self.waiting[entry.evaluated] = None
        elif isinstance(entry, Judged):
            self.waiting.pop(entry.evaluated, None)
        elif isinstance(entry, Left):
            self.waiting.pop(entry.mlflow_run, None)
        if isinstance(entry, Judged):
            self._judged(world, entry)
        if isinstance(entry, RolledBack):
            _say(entry.left == self.champion, "each change of the champion follows from the one before", entry)
            _say(entry.version in self.was, "only a former champion comes back", entry)
            self.champion = entry.version
        if isinstance(entry, Anchored):
            self._anchored(entry)
        if isinstance(entry, Certified):
            _say(entry.version == self.champion, "a night certifies the champion of then", entry)
            _say(entry.anchor == self.anchor, "a night certifies against the anchor of then", entry)
        if isinstance(entry, Requested | Vetoed):
            _say(entry.champion == (self.champion or ""), "a night asks about the champion of then", entry)
        if isinstance(entry, Requested):
            self._request(entry)
        if isinstance(entry, Paused | Resumed):
            self.paused = isinstance(entry, Paused)

    def _judged(self, world: World, entry: Judged) -> None:
        run = entry.evaluated
        _say(run not in self.refused, "a refusal is final for that run", entry)
        known = shift(world.night, -self.loop.label_delay_days)
        held = world.evidence(run)
        late = [each.key for each in (*held.days, *held.anchored) if each.key > known]
        _say(not late, f"nothing is decided on days not yet known ({known})", late)
        if isinstance(entry, Rejected):
            self.refused.add(run)
        if isinstance(entry, Won):
            self.won[run] = entry
            self._held(entry)
        if isinstance(entry, Waiting):
            _say(run not in self.won, "who has won does not wait again", entry)
        if isinstance(entry, Promoted):
            _say(run in self.won, "who is promoted has won", entry)
            _say(entry.version not in self.was, "a version is promoted once", entry)
            _say(
                entry.replaces == entry.champion == self.champion,
                "a promotion replaces whom it was judged against",
                entry,
            )
            if self.loop.gate.approval:
                yes = (entry.approval or {}).get("answer") == "Approve"
                _say(yes, "where a person has to answer, nobody is promoted without", entry)
            self.champion = entry.version
            self.was.append(entry.version)
            if not self.anchor:
                self.anchor = self.best = shadows.baseline(run)

    def _held(self, entry: Won) -> None:
        """Look at what a win holds of its duels: with the champion, and with the anchor where that is another."""
        rule = "who wins has held against the champion and the anchor"
        duels = [entry.evidence] if entry.champion is not None else []
        if entry.against is not None:
            _say(entry.against.name in self._anchors(entry), "a challenger is held to the anchor", entry)
        if entry.against is not None or self.anchor != entry.champion or self.best != self.anchor:
            duels.append(entry.against.evidence if entry.against else None)
        _say(bool(duels), rule, entry)
        for each in duels:
            _say(each is not None and each["for"] >= each["needed"], rule, entry)

    def _anchors(self, entry: Won) -> set[str]:
        """Return what a challenger may be held to: the anchor, or the one before where that is the champion now."""
        if not self.anchor:
            return {shadows.baseline(entry.evaluated)}
        return {self.anchor, *(self.before if self.anchor == entry.champion else ())}

    def _anchored(self, entry: Anchored) -> None:
        _say(entry.version == self.champion, "the anchor moves to the champion", entry)
        _say(entry.version != self.anchor, "the anchor moves to another", entry)
        _say(entry.best == self.best, "the anchor is compared with the best of all", entry)
        self.before.append(self.anchor)
        self.anchor = entry.version
        self.best = entry.version if entry.how == "better" else self.best

    def _request(self, entry: Requested) -> None:
        rules = self.loop.retrain
        _say(not self.paused, "no training is asked for in a pause", entry)
        _say(entry.partition not in self.requested, "asking twice is asking once", entry)
        near = [day for day in self.requested if abs(days_between(day, entry.partition)) < rules.cooldown]
        _say(not near, "between two requests lies the cool-down", near)
        week = [day for day in self.requested if shift(entry.partition, -6) <= day <= entry.partition]
        _say(rules.per_week is None or len(week) < rules.per_week, "a budget is never overspent", week)
        _say(entry.partition > max(self.requested, default=""), "nights decide in their order", entry)
        self.requested.append(entry.partition)

    def looked(self, world: World, night: str, champion: str | None) -> None:
        """Look when a night's duels have been looked at. champion: of before."""
        told = [entry for entry in only(world.entries(), Certified) if entry.partition == night]
        back = [entry for entry in only(world.entries(), RolledBack) if entry.automatic and entry.partition == night]
        rule = "a night with a champion certifies it once, unless it turns back"
        _say(len(told) <= 1 and (champion is None or bool(told or back)), rule, night)

    def between(self, world: World) -> None:
        """Look when all that was begun has come to an end."""
        _say(world.alias == (self.champion or ""), "the alias names the ledger's champion", world.alias)
        _say(lifecycle.champion(world.entries()) == self.champion, "there is one champion at any time", self.champion)

    def at_rest(self, world: World, quiet: Sequence[str], opened: Sequence[str]) -> None:
        """Look when all has come to rest. quiet: the last nights, on which nothing went wrong."""
        self.between(world)
        _say(not opened, "every night that was begun ends", opened)
        if self.paused or not quiet:
            return
        asked = [each.evidence for each in only(world.entries(), Requested) if each.partition >= quiet[0]]
        _say(bool(asked) or self.champion is None, "a loop never stands still for ever while good data come", quiet)
        outcomes = {each.run for each in only(world.entries(), Judged)}
        _say(set(asked[:-1]) <= outcomes, "what is asked for is judged", asked)


def _say(holds: bool, rule: str, found: object) -> None:
    if not holds:
        raise Broken(f"{rule}: {found}")
