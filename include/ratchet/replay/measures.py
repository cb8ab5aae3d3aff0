"""What a night of the replay measures: scores, live losses, and the days of the duels, as production's steps do.

A prediction once made stays, so what is measured is what was told, on labels as they are known; features that were
corrected count from the night of the correction on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ratchet.contract.loop import Loop
from ratchet.decisions import duel, shadows
from ratchet.decisions.duel import Cluster
from ratchet.monitoring import estimate
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fits, Fitted
from ratchet.replay.told import Told


@dataclass(frozen=True)
class Version:
    """A registered model."""

    number: str
    stands: tuple[Fitted, ...]  # the fits that stand for it, the deployed one first
    holdout: dict[str, float]  # day -> its challenger's loss on the holdout
    scale: float  # its challenger's loss on the whole holdout: what differences are clipped by
    knots: dict[str, list[list[float]]]  # what its predictions come true for, learnt on the holdout

    def on(self, day: str) -> Fitted | None:
        """Return the fit that stands on a day; None where all have seen it."""
        return next((fit for fit in self.stands if not duel.seen(day, fit.until)), None)


class Measures:
    """Predictions of a life, and what is measured of them."""

    def __init__(self, loop: Loop, fits: Fits) -> None:
        self.loop, self.fits = loop, fits
        self.live: dict[str, Told] = {}  # day -> what the world was told
        self._losses: dict[str, dict[str, float]] = {}  # version -> day -> its live loss, as measured last
        self._shadow: dict[tuple[str, str], Told] = {}  # (fit, day) -> what it said in shadow

    def score(
        self, data: DataVersion, days: Iterable[str], champion: Version, rivals: Sequence[Version | Fitted]
    ) -> None:
        """Let the champion predict days for the world, and its rivals in shadow; rows that are told stay as told."""
        for day in days:
            if day in self.live:
                self.live[day].extend(champion.number, champion.stands[0], data)
            else:
                self.live[day] = Told(day, champion.number, champion.stands[0], data)
            for rival in rivals:
                standing = rival.on(day) if isinstance(rival, Version) else rival
                if standing is not None and not duel.seen(day, standing.until):
                    self.shadow(data, standing, day)

    def shadow(self, data: DataVersion, fit: Fitted, day: str) -> Told:
        """Return what a fit says of a day in shadow: made when it is first asked for, and kept."""
        if (fit.name, day) not in self._shadow:
            self._shadow[fit.name, day] = Told(day, fit.name, fit, data)
        self._shadow[fit.name, day].extend(fit.name, fit, data)
        return self._shadow[fit.name, day]

    def measure(self, data: DataVersion, days: Iterable[str]) -> None:
        """Measure the live losses of days, of all who have told of them."""
        for day in days:
            if day not in self.live:
                continue
            told = self.live[day]
            for version in {part.by for part in told.parts}:
                found = told.losses(data, version)
                if len(found):
                    self._losses.setdefault(version, {})[day] = float(found.mean())

    def losses(self, version: str) -> dict[str, float]:
        """Return a version's live loss of each day, as measured so far."""
        return dict(sorted(self._losses.get(version, {}).items()))

    def estimated(self, champion: Version, days: Iterable[str]) -> dict[str, float]:
        """Estimate the champion's loss on days whose labels have not come."""
        found = {}
        for day in days if champion.knots else ():
            said = self.live[day].predictions(champion.number) if day in self.live else None
            if said is not None and len(said):
                found[day] = float(estimate.losses(self.loop.loss, champion.knots, said).mean())
        return found

    def extend(
        self,
        data: DataVersion,
        known: Sequence[Cluster],
        rival: Fitted,
        champion: Version,
        held: tuple[str, str],
        last: str,
        corrected: Collection[str],
    ) -> list[Cluster]:
        """Add the labelled days up to `last` to a challenger's evidence; days that were corrected are compared again.

        held: first and last day of its holdout.
        """
        published = [day for day in data.days if held[0] <= day <= last]
        kept, days = duel.due(known, published, held[1], corrected)
        found = list[Cluster]()
        for day in days:
            told, standing = self.live.get(day), champion.on(day)
            by = {champion.number}
            if told is None or not told.by(by):
                told, by = (self.shadow(data, standing, day), {standing.name}) if standing else (None, by)
            if told is not None and not duel.seen(day, rival.until):
                found += self.shadow(data, rival, day).against(told, data, self.fits, by)
        return duel.merge(kept, found)

    def against(self, data: DataVersion, before: shadows.Predecessor, rival: Version, last: str) -> list[Cluster]:
        """Compare the predecessor, in shadow, with what its successors have told the world since."""
        first = shadows.watched_since(before, last, self.loop.gate.patience_days)
        found: list[Cluster] = []
        for day in [day for day in data.days if first <= day <= last and day in self.live]:
            told, standing = self.live[day], rival.on(day)
            if told.by(before.versions) and standing is not None:
                found += self.shadow(data, standing, day).against(told, data, self.fits, before.versions)
        return found
