"""Predictions as they were made: a row keeps what was said of it; one that came later gets it from who stands then.

What a fit says of a day that it has seen is said, and counts nowhere, as in production.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ratchet.decisions import duel
from ratchet.decisions.duel import Cluster
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fits, Fitted, targets
from ratchet.training import value
from ratchet.training.value import Measure

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """What one model said, of the rows of a day as they stood then that had no prediction yet."""

    by: str  # a version, or a run in shadow
    fit: Fitted
    data: DataVersion


class Told:
    """The predictions of a day."""

    def __init__(self, day: str, by: str, fit: Fitted, data: DataVersion) -> None:
        self.day, self.parts = day, [Part(by, fit, data)]

    def extend(self, by: str, fit: Fitted, data: DataVersion) -> None:
        """Predict the rows that came since."""
        if data.digests.get(self.day) == self.parts[-1].data.digests[self.day] or self.day not in data.digests:
            return
        held = {key for part in self.parts for key in part.data.keys(self.day)}
        if not held.issuperset(data.keys(self.day)):
            self.parts.append(Part(by, fit, data))

    def by(self, names: Collection[str]) -> bool:
        """Say whether one of these has said something that counts."""
        return any(part.by in names and self._counts(part) for part in self.parts)

    def losses(self, data: DataVersion, by: str, measure: Measure = value.losses) -> Vector:
        """Return the losses of what one has said, of the rows that have a label in `data`; or what they cost."""
        if self._as_it_was(data):
            part = self.parts[0]
            return part.fit.losses(part.data, self.day, measure) if part.by == by else np.zeros(0)
        return np.array([loss for _, loss in self._rows(data, {by}, measure).values()])

    def predictions(self, by: str) -> Vector | None:
        """Return what one has said that counts, labelled or not; None where that is nothing."""
        for part in self.parts:
            if part.by == by and self._counts(part):
                return part.fit.predict(part.data, self.day)[self._own(part)]
        return None

    def against(
        self,
        other: Told,
        data: DataVersion,
        fits: Fits,
        by: Collection[str] | None = None,
        own: Collection[str] | None = None,
        measure: Measure = value.losses,
    ) -> list[Cluster]:
        """Compare with what others have said of the same rows: the day's cluster, or none.

        by: whose words count of the other's; own: of these. measure: of losses, or of what rows cost.
        """
        if measure is value.losses and self._as_it_was(data) and other._as_it_was(data):
            first, second = self.parts[0], other.parts[0]
            return fits.compare(first.data, self.day, first.fit, second.fit, second.data)
        ours, theirs = self._rows(data, own, measure), other._rows(data, by, measure)
        keys = [key for key in ours if key in theirs]
        losses = [np.array([side[key][1] for key in keys]) for side in (ours, theirs)]
        return duel.cluster([self.day] * len(keys), *losses)

    def _as_it_was(self, data: DataVersion) -> bool:
        first = self.parts[0]
        as_told = len(self.parts) == 1 and data.digests.get(self.day) == first.data.digests[self.day]
        return as_told and self._counts(first)

    def _counts(self, part: Part) -> bool:
        return not duel.seen(self.day, part.fit.until)

    def _own(self, part: Part) -> NDArray[np.bool_]:
        """Say which rows of a part's day were its own to predict."""
        before = self.parts[: self.parts.index(part)]
        held = {key for each in before for key in each.data.keys(self.day)}
        return np.array([key not in held for key in part.data.keys(self.day)], dtype=bool)

    def _rows(
        self, data: DataVersion, by: Collection[str] | None = None, measure: Measure = value.losses
    ) -> dict[tuple[object, ...], tuple[str, float]]:
        """Return who said what that counts of each row with a label in `data`: key -> (who, loss), in order of keys.

        by: whose words count; by default all.
        """
        if self.day not in data.digests:
            return {}
        place = {key: index for index, key in enumerate(data.keys(self.day))}
        found: dict[tuple[object, ...], tuple[str, float]] = {}
        for part in filter(self._counts, self.parts):
            target = targets(data, part.fit, self.day, self.day)
            said = part.fit.predict(part.data, self.day)
            kept = [
                (key, index, place[key])
                for key, index, own in zip(part.data.keys(self.day), range(len(said)), self._own(part), strict=True)
                if own and key in place and np.isfinite(target[place[key]])
            ]
            now, then = [now for _, _, now in kept], [then for _, then, _ in kept]
            rows, classes = partial(_taken, data, self.day, now), tuple(part.fit.about["classes"])
            losses = measure(data.loop, target[now], said[then], rows, classes)
            found |= {key: (part.by, float(loss)) for (key, _, _), loss in zip(kept, losses, strict=True)}
        return {key: found[key] for key in place if key in found and (by is None or found[key][0] in by)}


def _taken(data: DataVersion, day: str, places: Sequence[int]) -> pa.Table:
    return data.between(day, day).take(places)
