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
from ratchet.training.evaluation import Side


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
        champion, now = self.champion, anchors.anchor(entries)
        for each in shadows.challengers(entries):
            if each.champion == (champion.number if champion else None):
                run = self.runs[each.mlflow_run]
                run.gathered = self._extended(run, now.name if now else run.gathered.anchor)

    def own(self, entries: Entries) -> Gathered:
        """Add the labelled days to the champion's own against the anchor; return them. None where it is the anchor."""
        champion, now = self.champion, anchors.anchor(entries)
        if champion is None or now is None:
            return duel.NOTHING
        if now.name == champion.number:
            return Gathered((), now.name)
        run = self._judged(entries, champion)
        own = self._against(run, run.gathered, champion, now.name)
        run.gathered = replace(run.gathered, anchor=now.name, anchored=own)
        return Gathered((), now.name, own)

    def best(self, entries: Entries) -> Sequence[Cluster]:
        """Compare the champion's own days with the best anchor of all. Nothing of it is kept."""
        champion, now = self.champion, anchors.anchor(entries)
        assert champion is not None
        assert now is not None
        return self._against(self._judged(entries, champion), duel.NOTHING, champion, now.best)

    def _judged(self, entries: Entries, version: Version) -> Challenger:
        return self.runs[lifecycle.evaluated(entries, version.number) or ""]

    def _extended(self, run: Challenger, anchor: str) -> Gathered:
        days = run.gathered.days
        if self.champion is not None:
            days = self._added(run, days, (run.fit,), self.champion)
            if anchor == self.champion.number:
                return Gathered(days, anchor, days)
        return Gathered(days, anchor, self._against(run, run.gathered, (run.fit,), anchor))

    def _against(self, run: Challenger, before: Gathered, ours: Contestant, anchor: str) -> tuple[Cluster, ...]:
        """Return a model's days against an anchor: those before and what is new, or all anew. run: its judged one."""
        if not anchor:
            return ()
        known = before.anchored if before.anchor == anchor else ()
        return self._added(run, known, ours, stands(anchor, self.runs, self.versions))

    def _added(
        self, run: Challenger, known: Sequence[Cluster], ours: Contestant, theirs: Contestant
    ) -> tuple[Cluster, ...]:
        return self.measures.extend(self.data, known, ours, theirs, run.held, self.last, self.corrected)


def stands(anchor: str, runs: Mapping[str, Challenger], versions: Mapping[str, Version]) -> tuple[Fitted, ...]:
    """Return what stands for an anchor in shadow. anchor: its name, a version's or a baseline's."""
    trained = shadows.trained_with(anchor)
    if trained is None:
        return versions[anchor].stands
    plain = runs[trained].fit.plain
    assert plain is not None
    return (plain,)
