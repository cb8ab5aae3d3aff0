"""The evidence of a duel, day by day: `<loop>/duels/<mlflow run>.json` in the data registry.

Of a challenger against the champion and the anchor; of a champion, under the run that was evaluated for it, its own
days against the anchor. A copy lies with the MLflow run, for people.

Not a step, but what `gate`, `performance` and `duel` share.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.adapters import models, runs, writing
from ratchet.adapters.data_registry import Registry
from ratchet.adapters.writing import Writer
from ratchet.contract.loop import Loop
from ratchet.data import features
from ratchet.decisions import duel, shadows
from ratchet.decisions.duel import Cluster, Gathered
from ratchet.lifecycle import dataset, feature_days, predictions, records

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.adapters.runs import Tracking

FILE = "duel/evidence.json"  # the copy with the MLflow run
LOSS = "challenger/loss"  # metric of a run, for people: its loss on the holdout


def read(loop: Loop, run: str) -> Gathered:
    """Return the days of a run's evidence; none where it has not been judged."""
    content = dataset.registry().text(path(loop.name, run))
    if not content:
        return duel.NOTHING
    told = json.loads(content)
    days, anchored = (tuple(duel.load(told.get(name) or ())) for name in ("days", "anchored"))
    return Gathered(days, told.get("anchor") or "", anchored)


def write(loop: Loop, client: Tracking, run: str, champion: str | None, gathered: Gathered) -> None:
    """Keep the evidence of a run. The registry is not held while the copy is made."""
    writing.change(dataset.registry(), lambda writer: commit(writer, loop, run, champion, gathered))
    copy(client, run, champion, gathered)


def commit(writer: Writer, loop: Loop, run: str, champion: str | None, gathered: Gathered) -> None:
    """Commit the evidence of a run; the same days change nothing."""
    writer.write(path(loop.name, run), text(champion, gathered))
    count = max(len(gathered.days), len(gathered.anchored))
    writer.commit(f"Keep {count} days of the duel of {run[:10]}, a model of {loop.name}")


def copy(client: Tracking, run: str, champion: str | None, gathered: Gathered) -> None:
    """Lay a copy with the MLflow run."""
    runs.log_files(client, run, {FILE: text(champion, gathered)})


def text(champion: str | None, gathered: Gathered) -> str:
    """Write evidence as it is kept."""
    told: dict[str, Any] = {"champion": champion, "days": duel.dump(gathered.days)}
    if gathered.anchor:
        told |= {"anchor": gathered.anchor, "anchored": duel.dump(gathered.anchored)}
    return json.dumps(told, indent=1)


@dataclass(frozen=True)
class Night:
    """What a night compares by: who is champion, and what labels it knows."""

    client: Tracking
    registry: Registry
    revision: str
    champion: models.Version | None
    last: str  # the last day with labels
    corrected: Collection[str] = ()  # days that are compared again
    over: bool = False  # later nights have gone on with the evidence, and this one adds nothing


@dataclass(frozen=True)
class Side:
    """A side of a duel: what was told of a day by these versions or, where nothing was, what stands for the model."""

    contender: predictions.Contender
    versions: frozenset[str] = frozenset()

    def of(self, loop: Loop, day: str, rows: pa.Table) -> pa.Table | None:
        """Return what it predicts of a day's rows; None where it has seen the day."""
        told, standing = _told(loop, day, self.versions) if self.versions else None, self.contender.on(day)
        return told if told is not None or standing is None else predictions.shadow(loop, standing, rows, day)


def extend(loop: Loop, night: Night, waiting: shadows.Challenger, anchor: str) -> Gathered:
    """Add the labelled days that are not yet in a challenger's evidence; return it whole.

    anchor: the name of the one of now. What was gathered against another is gathered anew.
    """
    run, before = waiting.mlflow_run, read(loop, waiting.mlflow_run)
    if night.over:
        return before
    ours, days = Side(predictions.contender(loop, run)), before.days
    if night.champion is not None:
        days = _added(loop, night, run, before.days, ours, _champion(loop, night.champion))
    if night.champion is not None and anchor == night.champion.number:
        anchored = days
    else:
        anchored = _against(loop, night, run, before, ours, anchor)
    return _kept(loop, night, run, before, Gathered(days, anchor, anchored))


def of_champion(loop: Loop, night: Night, anchor: str) -> Gathered:
    """Add the labelled days to the champion's own days against the anchor; return them. None where it is the anchor.

    They are kept under the run that was evaluated for it, whose first look has gathered the first of them.
    """
    assert night.champion is not None
    if anchor == night.champion.number:
        return Gathered((), anchor)
    run = judged_run(loop, night.champion)
    before = read(loop, run)
    if night.over:
        return Gathered((), before.anchor, before.anchored)
    own = _against(loop, night, run, before, _champion(loop, night.champion), anchor)
    _kept(loop, night, run, before, Gathered(before.days, anchor, own))
    return Gathered((), anchor, own)


def against(loop: Loop, night: Night, anchor: str) -> tuple[Cluster, ...]:
    """Compare the champion's own days with an anchor that is not the one of now. Nothing of it is kept."""
    assert night.champion is not None
    run = judged_run(loop, night.champion)
    return _against(loop, night, run, duel.NOTHING, _champion(loop, night.champion), anchor)


def judged_run(loop: Loop, version: models.Version) -> str:
    """Return the run that was evaluated for a version."""
    return records.read(loop, version.run_id).evaluated or version.run_id


def against_predecessor(loop: Loop, night: Night, predecessor: shadows.Predecessor) -> list[Cluster]:
    """Compare the predecessor, in shadow, with what its successors have told the world since."""
    rival = predictions.contender(loop, models.version(night.client, loop.name, predecessor.version).run_id)
    first = shadows.watched_since(predecessor, night.last, loop.gate.patience_days)
    days = dataset.published(night.registry, loop, night.revision, first, night.last)
    told = {day: found for day in days if (found := _told(loop, day, {*predecessor.versions})) is not None}
    if not told:
        return []
    table = feature_days.of_range(night.registry, loop, night.revision, min(told), max(told))
    found = []
    for day, champion in told.items():
        standing = rival.on(day)
        if standing is not None:
            rows = _of(table, day)
            found += compare(loop, day, rows, predictions.shadow(loop, standing, rows, day), champion)
    return found


def _champion(loop: Loop, version: models.Version) -> Side:
    return Side(predictions.contender(loop, version.run_id), frozenset({version.number}))


def _against(loop: Loop, night: Night, run: str, before: Gathered, ours: Side, anchor: str) -> tuple[Cluster, ...]:
    """Return the days of a model against an anchor: those before and what is new, or all anew. run: its judged one."""
    if not anchor:
        return ()
    known = before.anchored if before.anchor == anchor else ()
    name = anchor if shadows.trained_with(anchor) else models.version(night.client, loop.name, anchor).run_id
    return _added(loop, night, run, known, ours, Side(predictions.contender(loop, name)))


def _added(
    loop: Loop, night: Night, run: str, known: Sequence[Cluster], ours: Side, theirs: Side
) -> tuple[Cluster, ...]:
    """Compare two sides on the labelled days that are new, from the first that the run has held out."""
    held, until = records.read(loop, run).held_out
    published = dataset.published(night.registry, loop, night.revision, held, night.last)
    kept, days = duel.due(known, published, until if known else "", night.corrected)
    if not days:
        return tuple(kept)
    table, found = feature_days.of_days(night.registry, loop, night.revision, days), list[Cluster]()
    for day in days:
        rows = _of(table, day)
        mine, other = ours.of(loop, day, rows), theirs.of(loop, day, rows)
        if mine is not None and other is not None:
            found += compare(loop, day, rows, mine, other)
    return tuple(duel.merge(kept, found))


def _kept(loop: Loop, night: Night, run: str, before: Gathered, whole: Gathered) -> Gathered:
    """Keep the evidence of a run where it has changed."""
    if whole != before:
        write(loop, night.client, run, night.champion.number if night.champion else None, whole)
    return whole


def compare(loop: Loop, day: str, rows: pa.Table, rival: pa.Table, champion: pa.Table) -> list[Cluster]:
    """Return a day's cluster over the labelled rows that both have predicted; none where there is no such row."""
    ours, theirs = predictions.losses(loop, rival, rows), predictions.losses(loop, champion, rows)
    keys = [key for key in ours if key in theirs]
    return duel.cluster([day] * len(keys), np.array([ours[k] for k in keys]), np.array([theirs[k] for k in keys]))


def path(loop: str, run: str) -> str:
    """Say where the evidence of a run lies in the data registry."""
    return f"{loop}/duels/{run}.json"


def _of(table: pa.Table, day: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.equal(table.column(features.PARTITION), day))


def _told(loop: Loop, day: str, versions: Collection[str]) -> pa.Table | None:
    """Return the live predictions of a day that these versions made and that count, where there are any."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = predictions.told(loop, day)
    if told is None:
        return None
    table = predictions.unseen(told)
    mine = table.filter(pc.is_in(table.column(predictions.VERSION), value_set=pa.array(sorted(versions))))
    return mine if mine.num_rows else None
