"""A year under the loop's own gate: `looks.first_look` and `looks.night`, with what the models of 2013 have lost.

As the loop's contract has it: a challenger a night, refits deployed, shadows, predecessor, anchor, the intercept of
every model and the veto of slices. The other checks, which no loss answers, are left out. The year begins with a
champion that is its own anchor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from benchmarks import flights
from benchmarks.flights import Fit, Year
from ratchet import catalog
from ratchet.decisions import anchors, duel, looks, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Entry, Promoted, RolledBack, Won, only
from ratchet.decisions.lifecycle import Training
from ratchet.partitions import days_between, shift
from ratchet.training import probes
from tests.given.entries import entry
from tests.given.evaluations import training

START = "2013-01-01"
PLAIN: dict[str, Any] = {"floors": {}, "fairness": None, "behaviour": None, "latency_ms": None, "size_mb": None}


def date(day: int) -> str:
    """Return a day of the year as a date; 0 is 1 January."""
    return shift(START, day)


@dataclass
class Life:
    """A year as it goes by: the live model of each day, and the ledger."""

    year: Year
    delay: int  # nights until labels are known
    live: dict[int, Fit] = field(default_factory=dict)
    promotions: int = 0
    rollbacks: int = 0
    champion: str = "0"  # the version
    stands: dict[str, tuple[Fit, ...]] = field(default_factory=dict)  # of a version: its refit, and what was judged
    told: dict[int, str] = field(default_factory=dict)  # day -> the version that was live
    entries: list[Entry] = field(default_factory=list)
    fits: dict[str, Fit] = field(default_factory=dict)  # run -> what is judged
    evidence: dict[str, Gathered] = field(default_factory=dict)
    looked: dict[str, Training] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the contract."""
        loop = catalog.load(flights.LOOP)
        self.loop = loop.model_copy(update={"gate": loop.gate.model_copy(update=PLAIN)})

    def fork(self) -> Life:
        """Return a life that goes on apart from here."""
        held = {each.name: copy(getattr(self, each.name)) for each in fields(self) if each.name != "year"}
        return Life(self.year, **held)

    def begin(self, first: Fit, night: int) -> None:
        """Let a first model be champion."""
        self.stands["0"], self.fits["0"] = (first,), first
        self.entries.append(entry("promoted", "0", version="0", day=date(first.until)))
        self.evidence["0"] = duel.NOTHING
        self._serve(night)

    def night(self, night: int, newcomer: Fit | None, refit: Fit) -> None:
        """Live a night: look at who waits, and at a newcomer. refit: what is deployed of who wins."""
        newest, now = night - self.delay, anchors.anchor(self.entries)
        assert now is not None
        for each in shadows.challengers(self.entries):
            if each.champion == self.champion:
                compare, before = self._compare(each.mlflow_run, newest), self.evidence[each.mlflow_run]
                self.evidence[each.mlflow_run] = anchors.gathered(before, self.champion, now.name, compare)
        found = looks.night(
            self.loop,
            self.entries,
            date(night),
            self.champion,
            self._measured(newest, now),
            lambda each: self.looked[each.mlflow_run],
            lambda run: self.evidence.get(run, duel.NOTHING),
            [],
        )
        self.entries += found.entries
        for back in only(found.entries, RolledBack):
            self.champion, self.rollbacks = back.version, self.rollbacks + 1
        if found.winner:
            self._promote(found.winner, refit)
        if newcomer is not None and newcomer.until > self.stands[self.champion][-1].until:
            self._look(f"{night:03}", newcomer, newest, refit)
        self._serve(night)

    def slip(self, bad: Fit, night: int) -> None:
        """Deploy a model whatever the gate says of it."""
        won = entry("won", f"{night:03}", champion=self.champion, day=date(bad.until))
        self.fits[won.evaluated], self.evidence[won.evaluated] = bad, duel.NOTHING
        self._promote(won, bad)
        self._serve(night)

    def _serve(self, night: int) -> None:
        self.live[night], self.told[night] = self.stands[self.champion][0], self.champion

    def _promote(self, won: Won, refit: Fit) -> None:
        version, judged = str(len(self.stands)), self.fits[won.evaluated]
        deployed = Fit(refit.until, damaged=judged.damaged)
        self.stands[version] = (deployed, judged) if deployed != judged else (judged,)
        told = {**won.model_dump(exclude={"kind", "key"}), "day": date(deployed.until)}
        self.entries.append(Promoted(key=f"promoted:{version}", version=version, replaces=self.champion, **told))
        self.champion, self.promotions = version, self.promotions + 1

    def _look(self, run: str, newcomer: Fit, newest: int, refit: Fit) -> None:
        now = anchors.anchor(self.entries)
        assert now is not None
        days = range(newcomer.until + 1, newest + 1)
        self.fits[run] = newcomer
        gathered = anchors.gathered(duel.NOTHING, self.champion, now.name, self._compare(run, newest))
        ours = {day: self.year.told(newcomer, day) for day in days}
        theirs = {day: self.year.told(fit, day) for day in days if (fit := self._standing(self.champion, day))}
        if not theirs:
            return
        about = {
            "champion": self.champion,
            "days": {date(day): {"rows": len(lost), "challenger": float(lost.mean())} for day, lost in ours.items()},
            "compared": duel.dump(gathered.days),
            "anchor": now.name,
            "anchored": duel.dump(gathered.anchored),
            "challenger_loss": float(np.concatenate([*ours.values()]).mean()),
            "champion_loss": float(np.concatenate([*theirs.values()]).mean()),
            "slices": self._slices(ours, theirs),
        }
        self.looked[run], self.evidence[run] = training(run, [], **about), gathered
        found = looks.first_look(self.loop, self.entries, self.looked[run], lambda each: self.evidence[each], [])
        self.entries += found.entries
        for won in only(found.entries, Won):
            self._promote(won, refit)

    def _slices(self, ours: Mapping[int, np.ndarray], theirs: Mapping[int, np.ndarray]) -> dict[str, list[Any]]:
        wanted = self.loop.gate.slices
        if wanted is None:
            return {}
        rows = self.year.slice(min(theirs), max(theirs))
        days = np.repeat([date(day) for day in theirs], [len(lost) for lost in theirs.values()])
        mine, other = np.concatenate([ours[day] for day in theirs]), np.concatenate([*theirs.values()])
        return {
            name: duel.dump(duel.cluster(days[of], mine[of], other[of]))
            for name, of in probes.levels(rows, wanted.columns, wanted.rows)
        }

    def _measured(self, newest: int, now: anchors.Anchor) -> looks.Measured:
        shadowed, before = list[Cluster](), shadows.predecessor(self.entries)
        if before is not None:
            first = shadows.watched_since(before, date(newest), self.loop.gate.patience)
            for day in range(max(min(self.told), days_between(START, first)), newest + 1):
                rival = self._standing(before.version, day)
                if self.told[day] in before.versions and rival is not None:
                    shadowed.append(self._cluster(day, rival, self.live[day]))
        if self.champion == now.name:
            return looks.Measured(1.0, tuple(shadowed), Gathered((), now.name))
        run = next(each.evaluated for each in only(self.entries, Promoted) if each.version == self.champion)
        compare, held = self._compare(run, newest, self.champion), self.evidence[run]
        own = anchors.against(held, now.name, compare)
        self.evidence[run] = Gathered(held.days, now.name, own)
        best = lambda: anchors.against(duel.NOTHING, now.best, compare)  # noqa: E731 (asked where it decides)
        return looks.Measured(1.0, tuple(shadowed), Gathered((), now.name, own), best)

    def _compare(self, run: str, newest: int, version: str | None = None) -> anchors.Compare:
        """Return how the days of a run, or of the version that it became, are compared with another's."""
        first = self.fits[run].until + 1

        def compared(known: Sequence[Cluster], name: str) -> tuple[Cluster, ...]:
            begin = max(first, *(days_between(START, each.key) + 1 for each in known), first)
            found = list(known)
            for day in range(begin, newest + 1):
                ours = self._standing(version, day) if version else self.fits[run]
                theirs = self._standing(name, day)
                if ours is not None and theirs is not None:
                    found.append(self._cluster(day, ours, theirs))
            return tuple(found)

        return compared

    def _standing(self, version: str, day: int) -> Fit | None:
        return next((fit for fit in self.stands[version] if day > fit.until), None)

    def _cluster(self, day: int, ours: Fit, theirs: Fit) -> Cluster:
        difference = self.year.told(ours, day).astype(float) - self.year.told(theirs, day)
        return Cluster(date(day), len(difference), float(difference.sum()))
