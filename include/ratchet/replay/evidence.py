"""The evidence of a life, night by night, as production's steps gather it: against the champion, and the anchor.

Of a challenger; and of a champion, under the run that was evaluated for it, its own days against the anchor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ratchet.decisions import anchors, duel, lifecycle, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.decisions.entries import Entries
from ratchet.decisions.lifecycle import Training
from ratchet.replay.data import DataVersion
from ratchet.replay.fits import Fitted
from ratchet.replay.measures import Contestant, Measures, Version
from ratchet.training import value
from ratchet.training.evaluation import Side
from ratchet.training.value import Measure


@dataclass
class Challenger:
    """A judged training, and who was champion then."""

    fit: Fitted
    training: Training
    side: Side  # its predictions of the holdout ...
    data: DataVersion  # ... as it was known then
    gathered: Gathered = duel.NOTHING  # its days; once it is champion, its own against the anchor go on there
    refit: Fitted | None = None  # once it has won, where that is what is deployed
    refit_ms: float = float("inf")  # its latency, the best that was measured
    stands: tuple[Fitted, ...] = ()  # for it, once it is promoted: its refit first, where that is what is deployed

    @property
    def held(self) -> tuple[str, str]:
        """The first and the last day of its holdout."""
        return min(self.training.evaluation.days), max(self.training.evaluation.days)


@dataclass(frozen=True)
class Gathering:
    """What a night compares by: who there is, and what labels it knows."""

    measures: Measures
    runs: Mapping[str, Challenger]
    versions: Mapping[str, Version]
    champion: Version | None
    data: DataVersion
    last: str  # the last day with labels
    corrected: Collection[str] = ()  # days that are compared again

    def waiting(self, entries: Entries) -> None:
        """Add the labelled days to the evidence of those who wait against the champion of now."""
        champion, now = self.champion.number if self.champion else None, anchors.anchor(entries)
        for each in shadows.challengers(entries):
            if each.champion == champion:
                run = self.runs[each.mlflow_run]
                name = now.name if now else run.gathered.anchor
                run.gathered = anchors.gathered(run.gathered, champion, name, self._comparing(run, (run.fit,)))

    def own(self, entries: Entries) -> Gathered:
        """Add the labelled days to the champion's own against the anchor; return them. None where it is the anchor."""
        champion, now = self.champion, anchors.anchor(entries)
        if champion is None or now is None:
            return duel.NOTHING
        if now.name == champion.number:
            return Gathered((), now.name)
        run = self._judged(entries, champion)
        own = anchors.against(run.gathered, now.name, self._comparing(run, champion))
        run.gathered = replace(run.gathered, anchor=now.name, anchored=own)
        return Gathered((), now.name, own)

    def best(self, entries: Entries) -> Sequence[Cluster]:
        """Compare the champion's own days with the best anchor of all. Nothing of it is kept."""
        champion, now = self.champion, anchors.anchor(entries)
        assert champion is not None
        assert now is not None
        return anchors.against(duel.NOTHING, now.best, self._comparing(self._judged(entries, champion), champion))

    def valued(self, name: str) -> Sequence[Cluster]:
        """Compare the days of a challenger's duel with the champion in the contract's own unit. Nothing of it is kept.

        name: of its run.
        """
        assert self.champion is not None
        run = self.runs[name]
        return self._comparing(run, (run.fit,), value.costs)((), self.champion.number)

    def _judged(self, entries: Entries, version: Version) -> Challenger:
        return self.runs[lifecycle.evaluated(entries, version.number) or ""]

    def _comparing(self, run: Challenger, ours: Contestant, measure: Measure = value.losses) -> anchors.Compare:
        """Return how a model's days are compared with another's.

        run: the one that was evaluated for it. measure: of losses, or of what rows cost.
        """

        def compared(before: Sequence[Cluster], name: str) -> tuple[Cluster, ...]:
            champion = self.champion if self.champion and name == self.champion.number else None
            theirs = champion or stands(name, self.runs, self.versions)
            return self.measures.extend(self.data, before, ours, theirs, run.held, self.last, self.corrected, measure)

        return compared


def stands(anchor: str, runs: Mapping[str, Challenger], versions: Mapping[str, Version]) -> tuple[Fitted, ...]:
    """Return what stands for an anchor in shadow. anchor: its name, a version's or a baseline's."""
    trained = shadows.trained_with(anchor)
    if trained is None:
        return versions[anchor].stands
    plain = runs[trained].fit.plain
    assert plain is not None
    return (plain,)
