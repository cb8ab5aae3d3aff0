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
from ratchet.training import value
from ratchet.training.value import Measure


@dataclass(frozen=True)
class Version:
    """A registered model."""

    number: str
    stands: tuple[Fitted, ...]  # the fits that stand for it, the deployed one first
    holdout: dict[str, float]  # day -> its challenger's loss on the holdout
    scale: float  # its challenger's loss on the whole holdout, at its first look
    knots: dict[str, list[list[float]]]  # what its predictions come true for, learnt on the holdout

    def on(self, day: str) -> Fitted | None:
        """Return the fit that stands on a day; None where all have seen it."""
        return standing(self.stands, day)


def standing(stands: Sequence[Fitted], day: str) -> Fitted | None:
    """Return the first of some fits that has not seen a day; None where all have."""
    return next((fit for fit in stands if not duel.seen(day, fit.until)), None)


# A side of a duel: a version, by what it has told the world and else by what stands for it; or fits, in shadow alone.
Contestant = Version | Sequence[Fitted]


class Measures:
    """Predictions of a life, and what is measured of them."""

    def __init__(self, loop: Loop, fits: Fits) -> None:
        self.loop, self.fits = loop, fits
        self.live: dict[str, Told] = {}  # day -> what the world was told
        self._losses: dict[str, dict[str, float]] = {}  # version -> day -> its live loss, as measured last
        self._shadow: dict[tuple[str, str], Told] = {}  # (fit, day) -> what it said in shadow

    def score(
        self, data: DataVersion, days: Iterable[str], champion: Version | None, rivals: Sequence[Sequence[Fitted]]
    ) -> None:
        """Let the champion predict days for the world, and its rivals in shadow; rows that are told stay as told.

        champion: None where there is none yet. rivals: the fits that stand for each.
        """
        for day in days:
            if champion is not None and day in self.live:
                self.live[day].extend(champion.number, champion.stands[0], data)
            elif champion is not None:
                self.live[day] = Told(day, champion.number, champion.stands[0], data)
            for rival in rivals:
                if (fit := standing(rival, day)) is not None:
                    self.shadow(data, fit, day)

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
        for day in days if estimate.told(self.loop, champion.knots) else ():
            said = self.live[day].predictions(champion.number) if day in self.live else None
            if said is not None and len(said):
                found[day] = float(estimate.losses(self.loop.loss, champion.knots, said).mean())
        return found

    def extend(
        self,
        data: DataVersion,
        known: Sequence[Cluster],
        ours: Contestant,
        theirs: Contestant,
        held: tuple[str, str],
        last: str,
        corrected: Collection[str],
        measure: Measure = value.losses,
    ) -> tuple[Cluster, ...]:
        """Add the labelled days up to `last` to a duel's evidence; days that were corrected are compared again.

        held: first and last day of our holdout, whose days are in the evidence where anything is. measure: of losses,
        or of what rows cost.
        """
        published = [day for day in data.days if held[0] <= day <= last]
        kept, days = duel.due(known, published, held[1] if known else "", corrected)
        found = list[Cluster]()
        for day in days:
            mine, other = self._said(data, day, ours), self._said(data, day, theirs)
            if mine is not None and other is not None:
                found += mine[0].against(other[0], data, self.fits, other[1], mine[1], measure)
        return tuple(duel.merge(kept, found))

    def _said(self, data: DataVersion, day: str, side: Contestant) -> tuple[Told, set[str]] | None:
        """Return what was said of a day by a side, and by whom; None where it has seen the day."""
        stands = side.stands if isinstance(side, Version) else side
        told = self.live.get(day)
        if isinstance(side, Version) and told is not None and told.by({side.number}):
            return told, {side.number}
        fit = standing(stands, day)
        return (self.shadow(data, fit, day), {fit.name}) if fit else None

    def against(self, data: DataVersion, before: shadows.Predecessor, rival: Version, last: str) -> list[Cluster]:
        """Compare the predecessor, in shadow, with what its successors have told the world since."""
        first = shadows.watched_since(before, last, self.loop.gate.patience)
        found: list[Cluster] = []
        for day in [day for day in data.days if first <= day <= last and day in self.live]:
            told, fit = self.live[day], rival.on(day)
            if told.by(before.versions) and fit is not None:
                found += self.shadow(data, fit, day).against(told, data, self.fits, before.versions)
        return found
